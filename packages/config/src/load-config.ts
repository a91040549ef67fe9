import { ForgeError } from '@forge/core';
import { dirname, join, resolve } from 'node:path';
import { findConfigFile, readConfigFile, type ConfigFile } from './config-file.ts';
import { forgeVariables, type GivenValue } from './environment.ts';
import { ConfigErrors } from './errors.ts';
import type { ExportConfig, ForgeConfig } from './forge-config.ts';
import { otelVariables } from './otel-environment.ts';
import { nameOf, problemLines, type Sources } from './problems.ts';
import { resolveReferences } from './references.ts';
import { KEYS, schema, type ConfigInput, type ParsedConfig } from './schema.ts';

export interface LoadConfigOptions {
  /** Where the search for forge.toml begins. Default: the process's. */
  readonly cwd?: string;
  /** Default: the process's. */
  readonly env?: NodeJS.ProcessEnv;
  /** A forge.toml to read instead of searching one. */
  readonly file?: string;
  /** Values that go over file and environment, by forge.toml's own names. */
  readonly overrides?: ConfigInput;
}

export interface LoadedConfig {
  readonly config: ForgeConfig;
  /** The forge.toml that was read. */
  readonly file: string | undefined;
  /** By key (`observability.traces.sample_rate`): `default`, `forge.toml:4`, `env FORGE_SAMPLE_RATE` or `options`. */
  readonly provenance: ReadonlyMap<string, string>;
  /** What was ignored, for people: unknown FORGE_ variables close to a known one, wrong OTEL_ variables. */
  readonly warnings: readonly string[];
  /** What the schema made of it, by forge.toml's names; for `describeConfig`. */
  readonly parsed: ParsedConfig;
}

/**
 * Reads the configuration, in this order, a later one over an earlier one:
 * defaults, `DATABASE_URL`, forge.toml, OTEL_*, FORGE_*, `overrides`.
 * @throws ForgeError FORGE_CONFIG_INVALID with a line for each problem; FORGE_CONFIG_UNREADABLE
 */
export function loadConfig(options: LoadConfigOptions = {}): LoadedConfig {
  const { env = process.env } = options;
  const cwd = resolve(options.cwd ?? '.');
  const path = findConfigFile(cwd, env, options.file);
  const file = path === undefined ? undefined : readConfigFile(path, cwd);
  const { values, referring, dangling } = resolveReferences(file?.values ?? {}, env);

  const forge = forgeVariables(env);
  const otel = otelVariables(env);
  const given = [...otel.given, ...forge.given, ...leaves(options.overrides ?? {})];
  const databaseUrl: GivenValue = { path: URL_PATH, value: env['DATABASE_URL'], from: 'env DATABASE_URL' };
  if (databaseUrl.value && at(values, URL_PATH) === undefined) given.unshift(databaseUrl);

  const origins = new Map<string, string>();
  for (const one of given) put(values, one, origins);

  const sources: Sources = {
    whereOf(of) {
      for (let length = of.length; length > 0; length--) {
        const origin = origins.get(JSON.stringify(of.slice(0, length)));
        if (origin !== undefined) return origin;
      }
      const line = file?.lineOf(of);
      return line === undefined ? (file?.name ?? 'configuration') : `${file?.name}:${line}`;
    },
    writtenAt: (of) => (referring.has(JSON.stringify(of)) ? at(file?.values, of) : at(values, of)),
  };
  const result = schema.safeParse(values);
  // An unset variable is the one problem of its key, whatever the schema says of the empty text.
  const unset = new Set(dangling.map((reference) => JSON.stringify(reference.path)));
  const issues = (result.error?.issues ?? []).filter((issue) => !unset.has(JSON.stringify(issue.path)));
  const lines = [
    ...dangling.map(
      (reference) => `${sources.whereOf(reference.path)}: ${nameOf(reference.path)}: \${${reference.name}} is not set`,
    ),
    ...problemLines(issues, sources),
  ];
  if (!result.success || lines.length > 0) {
    throw new ForgeError(
      ConfigErrors.invalid,
      `the configuration is not valid:\n${lines.map((line) => `  ${line}`).join('\n')}`,
    );
  }
  const parsed = result.data;
  return Object.freeze({
    config: frozen(assembled(parsed, { cwd, env, file: file?.path })),
    file: file?.path,
    provenance: provenanceOf(parsed, file, sources, origins),
    warnings: [...forge.warnings, ...otel.warnings],
    parsed,
  });
}

const URL_PATH = ['observability', 'storage', 'url'];

function provenanceOf(
  parsed: ParsedConfig,
  file: ConfigFile | undefined,
  sources: Sources,
  origins: ReadonlyMap<string, string>,
): Map<string, string> {
  const plugins = Object.keys(parsed.observability.instrument).map((name) => `observability.instrument.${name}`);
  const names = new Set([...KEYS.keys(), 'observability.traces.override', ...plugins]);
  return new Map(
    [...names].map((name) => {
      const path = name.split('.');
      const set = origins.has(JSON.stringify(path)) || at(file?.values, path) !== undefined;
      return [name, set ? sources.whereOf(path) : 'default'];
    }),
  );
}

function at(values: unknown, path: readonly PropertyKey[]): unknown {
  let here = values;
  for (const part of path) here = (here as Record<PropertyKey, unknown> | undefined)?.[part];
  return here;
}

function put(values: Record<string, unknown>, { path, value, from }: GivenValue, origins: Map<string, string>): void {
  let here = values;
  for (const part of path.slice(0, -1)) {
    const next = here[part];
    // A section of the wrong type stays, for the schema to refuse.
    if (next !== undefined && (typeof next !== 'object' || next === null)) return;
    here = (here[part] ??= {}) as Record<string, unknown>;
  }
  const name = path.at(-1) ?? '';
  // Attributes add to those of the file; everything else replaces.
  const merges = path.join('.') === 'service.attributes' && typeof here[name] === 'object' && typeof value === 'object';
  here[name] = merges ? { ...(here[name] as object), ...(value as object) } : value;
  origins.set(JSON.stringify(path), from);
}

/** The keys of `overrides`; tables below a key (`otlp_headers`) and lists are values. */
function leaves(overrides: object, path: string[] = []): GivenValue[] {
  return Object.entries(overrides).flatMap(([name, value]): GivenValue[] => {
    const here = [...path, name];
    if (value === undefined) return [];
    const isSection =
      typeof value === 'object' && value !== null && !Array.isArray(value) && SECTIONS.has(here.join('.'));
    return isSection ? leaves(value as object, here) : [{ path: here, value, from: 'options' }];
  });
}

/** `service`, `observability`, `observability.traces` ... */
const SECTIONS = new Set(
  [...KEYS.keys()].flatMap((key) => {
    const parts = key.split('.').slice(0, -1);
    return parts.map((_, i) => parts.slice(0, i + 1).join('.'));
  }),
);

function assembled(parsed: ParsedConfig, where: Place): ForgeConfig {
  const { traces, storage, export: out, api, collector, instrument } = parsed.observability;
  const { ignore_paths, redact, capture_query_values, ...plugins } = instrument;
  return {
    service: { name: parsed.service.name, attributes: parsed.service.attributes },
    traces: {
      enabled: traces.enabled,
      sampleRate: traces.sample_rate,
      alwaysSample: traces.always_sample,
      slowThresholdMs: traces.slow_threshold,
      maxKeptPerSecond: traces.max_kept_per_second,
      trustedPeers: traces.trusted_peers,
      ringMaxBytes: traces.ring_max_bytes,
      ringMaxAgeMs: traces.ring_max_age,
      overrides: traces.override.map((rule) => ({
        operation: rule.operation,
        service: rule.service,
        sampleRate: rule.sample_rate,
        slowThresholdMs: rule.slow_threshold,
      })),
    },
    storage: {
      url: storage.url,
      schema: storage.schema,
      retentionMs: storage.retention,
      partition: storage.partition,
      maxConnections: storage.pool_size,
    },
    export: {
      jaegerEndpoint: out.jaeger_endpoint,
      zipkinEndpoint: out.zipkin_endpoint,
      ...otlp(out.otlp_endpoint, out.otlp_protocol),
      otlpHeaders: out.otlp_headers,
      otlpCompression: out.otlp_compression,
      otlpTimeoutMs: out.otlp_timeout,
      semconv: out.semconv,
      queueMaxSpans: out.queue_max_spans,
      queueMaxBytes: out.queue_max_bytes,
      // A queue made small need not name the batch too.
      batchMaxSpans: Math.min(out.batch_max_spans, out.queue_max_spans),
      batchDelayMs: out.batch_delay,
      spoolDir: spoolDir(out.spool_dir, where),
      spoolMaxBytes: out.spool_max_bytes,
    },
    api: { host: api.host, port: api.port, readToken: api.read_token, writeToken: api.write_token },
    collector: {
      enabled: collector.enabled,
      host: collector.host,
      otlpGrpcPort: collector.otlp_grpc_port,
      otlpHttpPort: collector.otlp_http_port,
      zipkinPort: collector.zipkin_port,
      jaegerPort: collector.jaeger_port,
      token: collector.token,
    },
    instrument: {
      plugins,
      ignorePaths: ignore_paths,
      redact,
      captureQueryValues: capture_query_values,
    },
  };
}

/** Where nobody names the protocol, the port and the path tell; an HTTP endpoint without a path gets OTLP's. */
function otlp(
  endpoint: string | undefined,
  named: ExportConfig['otlpProtocol'] | undefined,
): Pick<ExportConfig, 'otlpEndpoint' | 'otlpProtocol'> {
  if (endpoint === undefined) return { otlpEndpoint: undefined, otlpProtocol: named ?? 'grpc' };
  const url = new URL(endpoint);
  const otlpProtocol = named ?? (url.port === '4318' || url.pathname.endsWith('/v1/traces') ? 'http/protobuf' : 'grpc');
  const bare = otlpProtocol !== 'grpc' && url.pathname === '/';
  return { otlpEndpoint: bare ? new URL('/v1/traces', url).href : endpoint, otlpProtocol };
}

interface Place {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly file: string | undefined;
}

/** Relative to forge.toml; by default in FORGE_DATA_DIR, else in .forge beside forge.toml. */
function spoolDir(named: string | undefined, { cwd, env, file }: Place): string | undefined {
  if (named === 'off') return undefined;
  const project = file === undefined ? cwd : dirname(file);
  if (named !== undefined) return resolve(project, named);
  return join(env['FORGE_DATA_DIR'] ? resolve(cwd, env['FORGE_DATA_DIR']) : join(project, '.forge'), 'spool');
}

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(frozen);
  return Object.freeze(value);
}
