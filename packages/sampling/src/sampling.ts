import {
  Decision,
  Status,
  type Diagnostics,
  type LocalTrace,
  type Span,
  type SpanData,
  type TracePipeline,
  type TraceSampler,
} from '@forge/core';
import { createHeadSampler } from './head-sampler.ts';
import type { SamplingOverride } from './overrides.ts';

/** Where spans go that are to be stored: the export queues. Called on the application's path: quick, never throws. */
export interface SpanSink {
  push(span: SpanData): void;
  /** Resolves when all that was pushed before is delivered, or in the spool. */
  flush(): Promise<void>;
  shutdown(): Promise<void>;
}

/** What can be changed while it runs. */
export interface SamplingSettings {
  /** The share of traces kept without any reason, 0 to 1. 1 by default. */
  readonly sampleRate?: number;
  /** What keeps a trace whole at any rate. Both by default. */
  readonly alwaysSample?: readonly ('errors' | 'slow_requests')[];
  /** From when on a request (a local root) is slow. 1,000 by default. */
  readonly slowThresholdMs?: number;
  readonly overrides?: readonly SamplingOverride[];
}

export interface SamplingOptions extends SamplingSettings {
  readonly sink: SpanSink;
  readonly diagnostics: Diagnostics;
  readonly serviceName?: string;
}

export interface Sampling {
  readonly sampler: TraceSampler;
  readonly pipeline: TracePipeline;
  /** One line a fact, for `forge doctor`. */
  describe(): string[];
  reload(settings: SamplingSettings): void;
}

export function createSampling(options: SamplingOptions): Sampling {
  const sampler = createHeadSampler({ sampleRate: 1, ...options });
  let settings: Required<Pick<SamplingSettings, 'alwaysSample' | 'slowThresholdMs'>>;
  const apply = (given: SamplingSettings): void => {
    settings = {
      alwaysSample: given.alwaysSample ?? ['errors', 'slow_requests'],
      slowThresholdMs: given.slowThresholdMs ?? 1000,
    };
  };
  apply(options);
  const { sink } = options;
  const pipeline: TracePipeline = {
    onStart: () => undefined,
    onEnd(span: Span) {
      const { trace } = span;
      if (span.status === Status.error && settings.alwaysSample.includes('errors')) trace.keep('error');
      else if (
        span.isLocalRoot &&
        span.elapsedMs >= settings.slowThresholdMs &&
        settings.alwaysSample.includes('slow_requests')
      )
        trace.keep('slow');
      if (trace.decision !== Decision.undecided) sink.push(span);
      else if (trace.slot === undefined) trace.slot = [span];
      else if ((trace.slot as Span[]).length < 1000) (trace.slot as Span[]).push(span);
    },
    onKeep(trace: LocalTrace) {
      const held = trace.slot as Span[] | undefined;
      trace.slot = undefined;
      if (held !== undefined) for (const span of held) sink.push(span);
    },
    flush: () => sink.flush(),
    shutdown: () => sink.shutdown(),
  };
  return {
    sampler,
    pipeline,
    describe: () => [`sampling ${(options.sampleRate ?? 1) * 100} % of all traces`],
    reload(given) {
      apply(given);
      sampler.reload({
        sampleRate: 1,
        ...given,
        ...(options.serviceName === undefined ? {} : { serviceName: options.serviceName }),
      });
    },
  };
}
