/**
 * The span model of Forge Tracing: what a span is, how it is made cheaply, and the ports that the other packages fill.
 * It implements the interfaces of `@opentelemetry/api`, so any OpenTelemetry instrumentation works on it unchanged.
 *
 * @example
 * const provider = new TracerProvider({ serviceName: 'shop', pipeline });
 * provider.register();
 * const span = provider.getTracer('shop').start('http.request', Kind.server);
 * span.set('method', 'GET').end();
 *
 * @module
 */
export {
  attributeOf,
  attributesFromObject,
  attributesToObject,
  isAttributeValue,
  type AttributeList,
  type AttributeValue,
} from './attributes.ts';
export { SystemClock, type Clock } from './clock.ts';
export {
  activeContext,
  contextWithSpan,
  ForgeContext,
  ForgeContextManager,
  isSuppressed,
  runInContext,
  spanOf,
  withoutTracing,
} from './context.ts';
export { Diagnostics, type Counts, type LogLine } from './diagnostics.ts';
export { ForgeError, isForgeError } from './errors.ts';
export { cut, DEFAULT_LIMITS, type SpanLimits } from './limits.ts';
export { Decision, LocalTrace, type KeepReason } from './local-trace.ts';
export type { Propagation, TracePipeline, TraceSampler } from './ports.ts';
export { TracerProvider, type TracerProviderOptions } from './provider.ts';
export { RemoteSpanContext } from './remote-span-context.ts';
export { createRedactor, NO_REDACTION, REDACTED, type RedactionOptions, type Redactor } from './redaction.ts';
export { Span } from './span.ts';
export { Kind, Status, type Origin, type Scope, type SpanData, type SpanEvent, type SpanLink } from './span-data.ts';
export { Tracer } from './tracer.ts';
