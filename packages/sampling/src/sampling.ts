import {
  SystemClock,
  withoutTracing,
  type Clock,
  type Diagnostics,
  type TracePipeline,
  type TraceSampler,
} from '@forge/core';
import { randomUUID } from 'node:crypto';
import { createHeadSampler } from './head-sampler.ts';
import type { KeepLog } from './keep-log.ts';
import { KeepLogLoop } from './keep-log-loop.ts';
import { SamplingNode } from './sampling-node.ts';
import { nodeSettings, requirePositive, settingsOf, type SamplingSettings } from './settings.ts';
import type { SpanSink } from './span-sink.ts';
import type { TrafficLog } from './traffic.ts';

export interface SamplingOptions extends SamplingSettings {
  /** Where spans go that are to be stored. */
  readonly sink: SpanSink;
  readonly diagnostics: Diagnostics;
  /** What the nodes of a mesh tell each other; without it a trace is kept whole within this process. */
  readonly keepLog?: KeepLog;
  /** Takes exact counts of all traffic every few seconds; without it nothing is counted for it. */
  readonly trafficLog?: TrafficLog;
  /** This process's, a UUID; the tracer provider's. */
  readonly nodeId?: string;
  /** For overrides that name a service. */
  readonly serviceName?: string;
  /** Most memory of undecided spans; at least 1 MiB. 32 MiB by default. */
  readonly ringMaxBytes?: number;
  /** How long undecided spans are held. 10,000 by default. */
  readonly ringMaxAgeMs?: number;
  readonly clock?: Clock;
}

export interface Sampling {
  readonly sampler: TraceSampler;
  readonly pipeline: TracePipeline;
  /** One fact a line, for `forge doctor`. */
  describe(): string[];
  /** Replaces the settings; what is not given becomes its default. Throws FORGE_SAMPLING_INVALID_OPTION and changes nothing then. */
  reload(settings: SamplingSettings): void;
}

const TICK_MS = 100;
const TRAFFIC_MS = 5000;
/**
 * How long before its last heartbeat a node may have got spans of a kept trace that it had not delivered when it died:
 * a poll and the queue's delay, with room. A database that is away holds up the heartbeat, too.
 */
const UNDELIVERED_MS = 5000;

/**
 * Sampling for one process: the head decision, the ring of undecided spans, the triggers, and the talk with other nodes.
 * Starts timers that do not keep the process alive; `pipeline.shutdown` ends them.
 */
export function createSampling(options: SamplingOptions): Sampling {
  return new ProcessSampling(options);
}

class ProcessSampling implements Sampling {
  readonly sampler;
  readonly pipeline: TracePipeline;
  readonly #options: SamplingOptions;
  readonly #node: SamplingNode;
  readonly #loop: KeepLogLoop | undefined;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #unregister: () => void;
  readonly #ringMaxBytes: number;
  readonly #ringMaxAgeMs: number;
  #settings: Required<SamplingSettings>;
  #trafficBusy = false;
  #stopping: Promise<void> | undefined = undefined;

  constructor(options: SamplingOptions) {
    const { sink, diagnostics, keepLog, serviceName } = options;
    this.#options = options;
    this.#settings = settingsOf(options);
    this.#ringMaxBytes = Math.max(1024 * 1024, options.ringMaxBytes ?? 32 * 1024 * 1024);
    this.#ringMaxAgeMs = options.ringMaxAgeMs ?? 10_000;
    requirePositive('ringMaxBytes', this.#ringMaxBytes);
    requirePositive('ringMaxAgeMs', this.#ringMaxAgeMs);
    const nodeId = options.nodeId ?? randomUUID();
    const clock: Clock = options.clock ?? new SystemClock();
    this.sampler = createHeadSampler(this.#headOptions());
    const node = (this.#node = new SamplingNode(
      {
        nodeId,
        settings: nodeSettings(this.#settings, serviceName),
        sink,
        ringMaxBytes: this.#ringMaxBytes,
        ringMaxAgeMs: this.#ringMaxAgeMs,
        shared: keepLog !== undefined,
      },
      clock.nowMs(),
    ));
    this.#loop =
      keepLog === undefined
        ? undefined
        : new KeepLogLoop({
            keepLog,
            node,
            sink,
            nodeId,
            serviceName: serviceName ?? '',
            heldMs: UNDELIVERED_MS,
            clock,
            diagnostics,
          });
    this.pipeline = {
      onStart: (span) => node.onStart(span),
      onEnd: (span) => node.onEnd(span),
      onKeep: (trace, reason) => node.onKeep(trace, reason),
      flush: () => this.#flush(),
      shutdown: () => (this.#stopping ??= this.#shutdown()),
    };
    this.#unregister = diagnostics.register(() => ({ ...node.counts(), ...this.#loop?.counts() }));
    this.#every(TICK_MS, () => node.tick(clock.nowMs()));
    this.#every(TRAFFIC_MS, () => void this.#writeTraffic());
    this.#loop?.start();
  }

  describe(): string[] {
    const { sampleRate, alwaysSample, slowThresholdMs, overrides, maxKeptPerSecond } = this.#settings;
    const counts = this.#node.counts();
    const admitted = counts['forge_sampling_admitted_share'];
    const failing = this.#loop?.failing ?? [];
    return [
      `head sampling: ${percent(sampleRate)} of all traces`,
      alwaysSample.length === 0
        ? 'always kept whole: nothing'
        : `always kept whole: ${alwaysSample.map((reason) => (reason === 'errors' ? 'errors' : `requests of ${slowThresholdMs} ms and more`)).join(', ')}`,
      ...overrides.map(
        ({ operation, service, sampleRate: rate, slowThresholdMs: slow }) =>
          `override for ${operation ?? 'all operations'}${service === undefined ? '' : ` of ${service}`}:` +
          `${rate === undefined ? '' : ` ${percent(rate)}`}${slow === undefined ? '' : slow === false ? ' never slow' : ` slow from ${slow} ms`}`,
      ),
      `storm limit: ${maxKeptPerSecond} traces/s` +
        (admitted < 1 ? `; a storm is on, ${percent(admitted)} are admitted` : ''),
      `ring: ${mebibytes(counts['forge_sampling_ring_bytes'])} of ${mebibytes(this.#ringMaxBytes)} MiB, ${this.#ringMaxAgeMs / 1000} s, ${counts['forge_sampling_pinned_traces']} traces pinned`,
      this.#loop === undefined
        ? 'keep log: none; traces are kept whole within this process'
        : failing.length === 0
          ? 'keep log: connected'
          : `keep log: failing (${failing.join(', ')})`,
    ];
  }

  reload(given: SamplingSettings): void {
    this.#settings = settingsOf(given);
    this.sampler.reload(this.#headOptions());
    this.#node.reload(nodeSettings(this.#settings, this.#options.serviceName));
  }

  #headOptions(): Parameters<typeof createHeadSampler>[0] {
    const { sampleRate, overrides } = this.#settings;
    const { serviceName } = this.#options;
    return { sampleRate, overrides, ...(serviceName === undefined ? {} : { serviceName }) };
  }

  async #flush(): Promise<void> {
    await Promise.all([
      this.#options.sink.flush(),
      this.#writeTraffic(),
      // Pending rows stay pending where it fails; the loop says so.
      this.#loop === undefined ? undefined : withoutTracing(() => this.#loop!.write()).catch(() => undefined),
    ]);
  }

  async #shutdown(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    const { sink } = this.#options;
    const delivered = sink.flush().then(async (complete) => {
      await sink.shutdown();
      return complete;
    });
    await Promise.all([this.#writeTraffic(), this.#loop?.stop(delivered.catch(() => false)), delivered]);
    this.#unregister();
  }

  async #writeTraffic(): Promise<void> {
    const { trafficLog, diagnostics } = this.#options;
    if (this.#trafficBusy) return;
    const { rows, written } = this.#node.traffic.take();
    if (trafficLog === undefined) written();
    if (rows.length === 0 || trafficLog === undefined) return;
    this.#trafficBusy = true;
    try {
      await withoutTracing(() => trafficLog.write(rows));
      written();
      diagnostics.forget('traffic');
    } catch (error) {
      diagnostics.warnOnce(
        'traffic',
        `counts of all traffic wait for the database: ${error instanceof Error ? error.message : String(error)}`,
      );
    } finally {
      this.#trafficBusy = false;
    }
  }

  #every(periodMs: number, run: () => void): void {
    const timer = setInterval(run, periodMs);
    timer.unref();
    this.#timers.push(timer);
  }
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(4))} %`;
}

function mebibytes(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(1);
}
