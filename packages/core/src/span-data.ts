import type { AttributeList } from './attributes.ts';

/** OpenTelemetry's span kinds, by their numbers in `@opentelemetry/api`. */
export const Kind = { internal: 0, server: 1, client: 2, producer: 3, consumer: 4 } as const;
export type Kind = (typeof Kind)[keyof typeof Kind];

/** OpenTelemetry's status codes. Stored as `ok` (unset and ok) or `error`. */
export const Status = { unset: 0, ok: 1, error: 2 } as const;
export type Status = (typeof Status)[keyof typeof Status];

/** Who made a span: what OpenTelemetry calls its resource. One object a process, shared by its spans. */
export interface Origin {
  readonly serviceName: string;
  /** A UUID of the process; undefined for spans of foreign tracers that name none. */
  readonly nodeId: string | undefined;
  /** Further attributes (`host.name`, `service.version`), without `service.name`. */
  readonly attributes: AttributeList;
}

/** The library that made a span: OpenTelemetry's instrumentation scope. */
export interface Scope {
  readonly name: string;
  readonly version: string | undefined;
  readonly attributes: AttributeList;
}

/** Something that happened at one moment of a span: an exception, a log line. Stored in `logs`. */
export interface SpanEvent {
  readonly name: string;
  /** Unix microseconds, whole. */
  readonly unixUs: number;
  readonly attributes: AttributeList;
  readonly droppedAttributes: number;
}

/** A reference to a span of this or another trace that is not the parent. */
export interface SpanLink {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceState: string | undefined;
  /** W3C trace flags, 8 bits. */
  readonly flags: number;
  readonly attributes: AttributeList;
  readonly droppedAttributes: number;
}

/**
 * A finished span as exporters, encoders and stores see it: made here by `Span`, or decoded from another tracer's data.
 * Immutable once finished.
 */
export interface SpanData {
  /** Lowercase hex: 32 digits; 16 from Zipkin or Jaeger clients with 64-bit ids. */
  readonly traceId: string;
  /** 16 lowercase hex digits. */
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  /** The operation: `http.request`, `db.query`; about ten names in all for Forge's own. */
  readonly name: string;
  /** What the operation worked on, of low cardinality: `POST /api/orders`, `create_order`, `SELECT users`. The name where nothing better is known. */
  readonly resource: string;
  readonly kind: Kind;
  /** Unix microseconds, whole. */
  readonly startUnixUs: number;
  /** Whole microseconds, >= 0. */
  readonly durationUs: number;
  readonly status: Status;
  readonly statusMessage: string | undefined;
  readonly attributes: AttributeList;
  readonly events: readonly SpanEvent[];
  readonly links: readonly SpanLink[];
  readonly origin: Origin;
  readonly scope: Scope;
  /** W3C tracestate as it would leave this span's process, or as it was received. */
  readonly traceState: string | undefined;
  /** W3C trace flags, 8 bits. */
  readonly flags: number;
  /** How many spans of all traffic this one stands for: 1 / sampling probability; 1 where it was kept for a trigger. */
  readonly weight: number;
  readonly droppedAttributes: number;
  readonly droppedEvents: number;
  readonly droppedLinks: number;
}
