import type { SpanContext } from '@opentelemetry/api';
import type { Clock } from './clock.ts';
import { hexToWord } from './hex.ts';
import type { IdSource } from './id-source.ts';
import type { SpanLimits } from './limits.ts';
import { Decision, LocalTrace } from './local-trace.ts';
import type { TracePipeline, TraceSampler } from './ports.ts';
import type { Redactor } from './redaction.ts';
import type { Origin } from './span-data.ts';

/** What all tracers of a provider share. */
export interface TracerRuntime {
  readonly origin: Origin;
  readonly sampler: TraceSampler;
  readonly pipeline: TracePipeline;
  readonly limits: SpanLimits;
  readonly redactor: Redactor;
  readonly clock: Clock;
  readonly ids: IdSource;
  /** Spans started so far. */
  started: number;
}

/** A trace that records nothing, with the ids of `parent` where there is one. */
export function droppedTrace(runtime: TracerRuntime, parent: SpanContext | undefined): LocalTrace {
  const { ids, pipeline } = runtime;
  const id = parent?.traceId;
  const trace =
    id === undefined
      ? new LocalTrace(pipeline, ids.word(), ids.word(), ids.word(), ids.word() || 1, true, 0)
      : new LocalTrace(
          pipeline,
          hexToWord(id, 0),
          hexToWord(id, 8),
          hexToWord(id, 16),
          hexToWord(id, 24),
          (parent!.traceFlags & 2) !== 0,
          0,
        );
  trace.decision = Decision.dropped;
  return trace;
}
