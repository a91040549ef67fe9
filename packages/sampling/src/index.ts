/**
 * Which traces are stored: OpenTelemetry's consistent probability sampling at the start, and every trace with an error
 * or a slow request whole, however small the rate is.
 *
 * @example
 * const { sampler, pipeline } = createSampling({ sampleRate: 0.1, sink: queues, diagnostics });
 * const provider = new TracerProvider({ serviceName: 'shop', sampler, pipeline });
 *
 * @module
 */
export { createHeadSampler, type HeadSampler, type HeadSamplingOptions } from './head-sampler.ts';
export type { SamplingOverride } from './overrides.ts';
export {
  createSampling,
  type Sampling,
  type SamplingOptions,
  type SamplingSettings,
  type SpanSink,
} from './sampling.ts';
