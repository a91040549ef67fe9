import { Kind, Status, type AttributeList, type SpanData, type SpanEvent, type SpanLink } from '@forge/core';
import type { StoredTrace } from '@forge/storage';
import { isoFromUnixUs } from './time-text.ts';

/** A trace as `GET /_api/traces/{id}` answers it. Names as in the table `forge_traces`. */
export interface TraceJson {
  trace_id: string;
  /** ISO 8601, UTC, six digits: the first span's start. */
  start_time: string;
  start_us: number;
  /** From the first start to the last end, whole milliseconds as in the table; `duration_us` is exact. */
  duration_ms: number;
  duration_us: number;
  /** Why it was kept; `head` for the head decision alone. */
  kept: string;
  /** Known losses; empty for a whole trace. */
  gaps: GapJson[];
  /** Ids that spans name as their parent and that are not stored, each once. */
  missing_parents: string[];
  /** The earliest span without a stored parent. */
  root: RootJson & { span_id: string };
  services: ServiceJson[];
  /** How many spans failed. */
  errors: number;
  /** By start, then span id. */
  spans: SpanJson[];
}

export interface RootJson {
  operation_name: string;
  resource: string;
  service_name: string;
  status: 'ok' | 'error';
}

/** How many spans a service has in a trace, and how many of them failed. */
export interface ServiceJson {
  service_name: string;
  spans: number;
  errors: number;
}

/** A part of a kept trace that could not be stored, on which node, and why. */
export interface GapJson {
  node_id: string;
  reason: string;
  time: string;
}

export type KindJson = keyof typeof Kind;

export interface SpanJson {
  trace_id: string;
  span_id: string;
  parent_span_id: string | null;
  operation_name: string;
  resource: string;
  service_name: string;
  node_id: string | null;
  kind: KindJson;
  /** ISO 8601, UTC, six digits. */
  start_time: string;
  start_us: number;
  duration_ms: number;
  duration_us: number;
  status: 'ok' | 'error';
  status_message: string | null;
  tags: Record<string, unknown>;
  logs: LogJson[];
  links: LinkJson[];
  /** What made the span: service version, host ... */
  process: Record<string, unknown>;
  scope: { name: string; version: string | null };
  trace_state: string | null;
  /** How many spans of all traffic this one stands for. */
  weight: number;
}

/** An event of a span: an exception, a log line. */
export interface LogJson {
  name: string;
  time: string;
  time_us: number;
  /** As the column `logs` of the table has it. */
  attributes: Record<string, unknown>;
}

export interface LinkJson {
  trace_id: string;
  span_id: string;
  trace_state: string | null;
  attributes: Record<string, unknown>;
}

const KIND_NAMES = Object.keys(Kind) as KindJson[];

/** The API's JSON of a stored trace. `spans` may be given as an empty list to be written by the caller, in pieces. */
export function traceToJson(trace: StoredTrace, spans: SpanJson[] = trace.spans.map(spanToJson)): TraceJson {
  const ids = new Set<string>();
  const services = new Map<string, ServiceJson>();
  let startUs = Infinity;
  let endUs = -Infinity;
  let errors = 0;
  for (const span of trace.spans) {
    ids.add(span.spanId);
    startUs = Math.min(startUs, span.startUnixUs);
    endUs = Math.max(endUs, span.startUnixUs + span.durationUs);
    const name = span.origin.serviceName;
    let service = services.get(name);
    if (service === undefined) services.set(name, (service = { service_name: name, spans: 0, errors: 0 }));
    service.spans++;
    if (span.status === Status.error) {
      service.errors++;
      errors++;
    }
  }
  const missing = new Set<string>();
  let root: SpanData | undefined;
  for (const span of trace.spans) {
    if (span.parentSpanId !== undefined) {
      if (ids.has(span.parentSpanId)) continue;
      missing.add(span.parentSpanId);
    }
    if (root === undefined || isEarlier(span, root)) root = span;
  }
  // Spans in a circle have no root: the first one stands in.
  root ??= trace.spans.reduce((first, span) => (isEarlier(span, first) ? span : first));
  return {
    trace_id: trace.traceId,
    start_time: isoFromUnixUs(startUs),
    start_us: startUs,
    duration_ms: wholeMs(endUs - startUs),
    duration_us: endUs - startUs,
    kept: trace.kept,
    gaps: trace.gaps.map((gap) => ({ node_id: gap.nodeId, reason: gap.reason, time: isoFromUnixUs(gap.atUnixUs) })),
    missing_parents: [...missing],
    root: {
      span_id: root.spanId,
      operation_name: root.name,
      resource: root.resource,
      service_name: root.origin.serviceName,
      status: statusToJson(root.status),
    },
    services: [...services.values()].sort((a, b) => (a.service_name < b.service_name ? -1 : 1)),
    errors,
    spans,
  };
}

/** By start; at the same microsecond one without a parent id comes first, then the smaller id: as in the summaries. */
function isEarlier(a: SpanData, b: SpanData): boolean {
  if (a.startUnixUs !== b.startUnixUs) return a.startUnixUs < b.startUnixUs;
  if ((a.parentSpanId === undefined) !== (b.parentSpanId === undefined)) return a.parentSpanId === undefined;
  return a.spanId < b.spanId;
}

export function spanToJson(span: SpanData): SpanJson {
  return {
    trace_id: span.traceId,
    span_id: span.spanId,
    parent_span_id: span.parentSpanId ?? null,
    operation_name: span.name,
    resource: span.resource,
    service_name: span.origin.serviceName,
    node_id: span.origin.nodeId ?? null,
    kind: KIND_NAMES[span.kind],
    start_time: isoFromUnixUs(span.startUnixUs),
    start_us: span.startUnixUs,
    duration_ms: wholeMs(span.durationUs),
    duration_us: span.durationUs,
    status: statusToJson(span.status),
    status_message: span.statusMessage ?? null,
    tags: tagsToJson(span.attributes),
    logs: span.events.map(logToJson),
    links: span.links.map(linkToJson),
    process: tagsToJson(span.origin.attributes),
    scope: { name: span.scope.name, version: span.scope.version ?? null },
    trace_state: span.traceState ?? null,
    weight: span.weight,
  };
}

function logToJson(event: SpanEvent): LogJson {
  return {
    name: event.name,
    time: isoFromUnixUs(event.unixUs),
    time_us: event.unixUs,
    attributes: tagsToJson(event.attributes),
  };
}

function linkToJson(link: SpanLink): LinkJson {
  return {
    trace_id: link.traceId,
    span_id: link.spanId,
    trace_state: link.traceState ?? null,
    attributes: tagsToJson(link.attributes),
  };
}

function statusToJson(status: Status): 'ok' | 'error' {
  return status === Status.error ? 'error' : 'ok';
}

/** The table's `duration_ms`: rounded to the nearest millisecond. */
export function wholeMs(us: number): number {
  return Math.round(us / 1000);
}

/** A plain object of attributes with values that JSON can hold: NaN and the infinities as text, big integers in digits. */
export function tagsToJson(list: AttributeList): Record<string, unknown> {
  const tags: Record<string, unknown> = {};
  for (let i = 0; i < list.length; i += 2) {
    const key = list[i] as string;
    const value = jsonValue(list[i + 1]);
    if (key === '__proto__') Object.defineProperty(tags, key, { value, enumerable: true });
    else tags[key] = value;
  }
  return tags;
}

function jsonValue(value: unknown): unknown {
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return value.map((item: unknown) => jsonValue(item) ?? null);
  return value;
}
