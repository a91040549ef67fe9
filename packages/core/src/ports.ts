import type { Context, SpanContext } from '@opentelemetry/api';
import type { KeepReason, LocalTrace } from './local-trace.ts';
import type { Span } from './span.ts';
import type { Kind } from './span-data.ts';

/** Makes the head decision: sets `trace.decision`, `weight`, `otState` and `otherState` of a new local root. Never throws. */
export interface TraceSampler {
  /**
   * @param parent the remote parent, undefined for a new trace
   * @param name the local root's span name, `kind` its kind
   */
  begin(trace: LocalTrace, parent: SpanContext | undefined, name: string, kind: Kind): void;
}

/** Takes spans as they start and end, synchronously on the application's path: must be quick and never throw. */
export interface TracePipeline {
  onStart(span: Span): void;
  onEnd(span: Span): void;
  onKeep(trace: LocalTrace, reason: KeepReason): void;
  /** Resolves when all that ended before the call is delivered, or in the spool. */
  flush(): Promise<void>;
  /** Flushes and frees; later spans are dropped. Safe to call twice. */
  shutdown(): Promise<void>;
}

/** Carries the trace context between processes: W3C headers, gRPC metadata, job data. Never throws. */
export interface Propagation {
  /** Hands `traceparent`, `tracestate` and `baggage` of `context` to `set`; nothing where there is no span. */
  inject(context: Context, set: (name: string, value: string) => void): void;
  /**
   * `context` with the caller's span as its remote parent; `context` itself where the headers are missing or invalid.
   * @param peer who sent them, as a URL where that is known: `grpc://10.1.2.3:50051`, `http://10.1.2.4`,
   * `job://send_confirmation`. What is configured as trusted is recognized by it.
   */
  extract(context: Context, get: (name: string) => string | undefined, peer?: string): Context;
  /** On the way back to the caller: hands `traceresponse` to `set` if the trace is kept. Call when headers are written. */
  respond(trace: LocalTrace, set: (name: string, value: string) => void): void;
  /** What the called side answered: keeps the trace if it did, and is trusted. `peer`: the called side, as for `extract`. */
  heed(trace: LocalTrace, get: (name: string) => string | undefined, peer?: string): void;
}
