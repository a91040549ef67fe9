/**
 * Which traces are stored: OpenTelemetry's consistent probability sampling at the start, and every trace with an error
 * or a slow request whole, across all nodes, however small the rate is.
 *
 * @example
 * const { sampler, pipeline } = createSampling({ sampleRate: 0.1, sink: queues, keepLog, diagnostics });
 * const provider = new TracerProvider({ serviceName: 'shop', sampler, pipeline });
 *
 * @module
 */
export { createHeadSampler, type HeadSampler, type HeadSamplingOptions } from './head-sampler.ts';
export type {
  ClaimedSpans,
  GapRow,
  KeepLog,
  KeepPage,
  KeepRow,
  KeepRowReason,
  NodeBeat,
  NodeDeath,
  NodeView,
  ParkedSpans,
} from './keep-log.ts';
export { LatencyHistogram } from './latency-histogram.ts';
export type { SamplingOverride } from './overrides.ts';
export { createSampling, type Sampling, type SamplingOptions } from './sampling.ts';
export type { SamplingSettings } from './settings.ts';
export type { SpanSink } from './span-sink.ts';
export type { TrafficLog, TrafficRow } from './traffic.ts';
