import { loadConfig, type ConfigInput, type ForgeConfig, type StorageConfig, type TracesConfig } from '@forge/config';
import { createRedactor, Diagnostics, TracerProvider, type Tracer } from '@forge/core';
import { createExportPipeline, type Exporter } from '@forge/export';
import {
  createRegistry,
  installRegistry,
  type Instrumentation,
  type InstrumentationState,
} from '@forge/instrumentation';
import { createPropagation } from '@forge/propagation';
import { createSampling, type SamplingSettings } from '@forge/sampling';
import type { TraceStore } from '@forge/storage';
import { createPostgresKeepLog, createPostgresStore } from '@forge/storage-postgres';
import { propagation as otelPropagation } from '@opentelemetry/api';
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { atEndOfProcess } from './end-of-process.ts';
import { standardInstrumentations } from './instrumentations.ts';
import { configuredExporters, queueFor } from './exporters.ts';
import { lazily } from './lazily.ts';
import { onModule } from './module-hooks.ts';
import { nameOfProgram } from './program-name.ts';
import { StorageLink, type OpenStorage } from './storage-link.ts';
import { trustOf } from './trust.ts';

export interface ForgeOptions {
  /** Shown as the service of every span. Default: forge.toml, OTEL_SERVICE_NAME, the name in the nearest package.json. */
  readonly serviceName?: string;
  /** Values that go over forge.toml and the environment, by forge.toml's own names. */
  readonly config?: ConfigInput;
  /** Plugins besides the standard ones; one of the same name takes the standard one's place. */
  readonly instrumentations?: readonly Instrumentation[];
  /** Exporters besides the configured ones. */
  readonly exporters?: readonly Exporter[];
  readonly diagnostics?: Diagnostics;
}

/** A running tracer. */
export interface Forge {
  readonly config: ForgeConfig;
  readonly provider: TracerProvider;
  readonly diagnostics: Diagnostics;
  /** For readers; opens with the first call. */
  readonly store: TraceStore;
  /** The database that the traces are in: DATABASE_URL, or the embedded one, started if need be. A secret. */
  databaseUrl(): Promise<string>;
  getTracer(name: string, version?: string): Tracer;
  /** What is connected, traced and dropped, as plain JSON. */
  describe(): ForgeDescription;
  /** Delivers what has ended so far. */
  flush(): Promise<void>;
  /** Drains within 5 s and frees everything. Safe to call twice. */
  shutdown(): Promise<void>;
}

export interface ForgeDescription {
  readonly service: string;
  readonly nodeId: string;
  readonly sampling: readonly string[];
  readonly instrumentations: readonly InstrumentationState[];
  readonly exporters: readonly {
    readonly exporter: string;
    readonly away: boolean;
    readonly lastFailure?: string | undefined;
  }[];
  readonly counts: Readonly<Record<string, number>>;
}

/**
 * Starts tracing in this process, at once and without waiting for anything: the database is connected in the
 * background, and spans wait in a bounded queue until it is there. One line in the log says what is traced and where to.
 * @throws ForgeError FORGE_CONFIG_INVALID for a wrong configuration, FORGE_CORE_ALREADY_REGISTERED for a second tracer
 */
export function startForge(options: ForgeOptions = {}): Forge {
  const { config, warnings } = loadConfig(options.config === undefined ? {} : { overrides: options.config });
  const diagnostics = options.diagnostics ?? new Diagnostics();
  for (const warning of warnings) diagnostics.warnOnce(`config:${warning}`, warning);
  const nodeId = randomUUID();
  const serviceName = options.serviceName ?? config.service.name ?? nameOfProgram();

  const link = new StorageLink({
    url: config.storage.url,
    diagnostics,
    open: (url) => openStorage(url, config.storage, nodeId, diagnostics),
  });
  const exporters = [link, ...configuredExporters(config.export), ...(options.exporters ?? [])];
  const queues = exporters.map((exporter) => queueFor(exporter, config.export, diagnostics));
  const sink = createExportPipeline(queues);
  const keepLog = lazily(async () => (await link.storage()).keepLog);
  const sampling = createSampling({
    ...samplingOf(config.traces),
    nodeId,
    serviceName,
    diagnostics,
    keepLog,
    trafficLog: keepLog,
    sink: {
      push: (span) => sink.push(span),
      flush: async () => void (await sink.flush()),
      shutdown: () => sink.shutdown(),
    },
  });
  const provider = new TracerProvider({
    serviceName,
    nodeId,
    redactor: createRedactor({ keys: config.instrument.redact }),
    attributes: { 'host.name': hostname(), 'process.pid': process.pid, ...config.service.attributes },
    sampler: sampling.sampler,
    pipeline: sampling.pipeline,
  });
  const propagation = createPropagation({ trusted: trustOf(config.traces.trustedPeers) });
  const unregister = provider.register();
  otelPropagation.setGlobalPropagator(propagation);
  const forgetCounts = diagnostics.register(() => ({ forge_spans_started_total: provider.startedSpans }));

  const registry = createRegistry({ provider, propagation, diagnostics, onModule });
  const uninstall = installRegistry(registry);
  registry.enable(standardInstrumentations(config.instrument, options.instrumentations ?? []));

  let ended: Promise<void> | undefined;
  const forge: Forge = {
    config,
    provider,
    diagnostics,
    store: lazily(async () => (await link.storage()).store),
    databaseUrl: () => link.databaseUrl(),
    getTracer: (name, version) => provider.getTracer(name, version),
    describe: () => ({
      service: serviceName,
      nodeId,
      sampling: sampling.describe(),
      instrumentations: registry.states(),
      exporters: queues.map((queue) => queue.state()),
      counts: diagnostics.counts(),
    }),
    flush: () => sampling.pipeline.flush(),
    shutdown() {
      ended ??= (async () => {
        forgetSignals();
        registry.disable();
        uninstall();
        await sampling.pipeline.shutdown();
        await link.close();
        forgetCounts();
        unregister();
        otelPropagation.disable();
      })();
      return ended;
    },
  };
  const forgetSignals = atEndOfProcess(forge);
  // Connecting now, not with the first batch: what is wrong with the database is said at the start.
  void link
    .storage()
    .catch((error: unknown) =>
      diagnostics.warnOnce('storage', `traces cannot be stored yet: ${(error as Error).message}`),
    );
  diagnostics.info(startLine(serviceName, config, registry.states()));
  return forge;
}

/** Opens the store and the keep log, the tables brought to this version. */
async function openStorage(
  url: string,
  { schema, partition, maxConnections, retentionMs }: StorageConfig,
  nodeId: string,
  diagnostics: Diagnostics,
): Promise<OpenStorage> {
  const store = createPostgresStore({
    url,
    schema,
    partition,
    maxConnections,
    diagnostics,
    ...(retentionMs === undefined ? {} : { retention: inMinutes(retentionMs) }),
  });
  try {
    await store.migrate();
  } catch (error) {
    await store.close();
    throw error;
  }
  const keepLog = createPostgresKeepLog({ url, schema, nodeId, ...(retentionMs === undefined ? {} : { retentionMs }) });
  return { store, keepLog };
}

function startLine(serviceName: string, config: ForgeConfig, states: readonly InstrumentationState[]): string {
  const traced = states.filter((state) => state.status === 'enabled').map((state) => state.name);
  const where =
    config.storage.url === undefined ? 'the embedded PostgreSQL' : `PostgreSQL at ${hostOf(config.storage.url)}`;
  const { otlpEndpoint, zipkinEndpoint, jaegerEndpoint } = config.export;
  const more = [otlpEndpoint, zipkinEndpoint, jaegerEndpoint].filter((url) => url !== undefined).map(hostOf);
  return `tracing ${serviceName}: ${traced.join(', ')} -> ${[where, ...more].join(', ')}, sampling ${config.traces.sampleRate * 100} %`;
}

/** Switched off is the rate 0 without exceptions: spans are then not even recorded. */
function samplingOf(traces: TracesConfig): SamplingSettings {
  return traces.enabled ? traces : { sampleRate: 0, alwaysSample: [] };
}

/** For the store, which takes whole minutes. */
function inMinutes(ms: number): string {
  return `${Math.max(1, Math.ceil(ms / 60_000))}m`;
}

/** Without the user and the password. */
function hostOf(url: string): string {
  try {
    const { host, pathname } = new URL(url);
    return host + pathname;
  } catch {
    return 'an unreadable URL';
  }
}
