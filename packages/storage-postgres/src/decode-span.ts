import {
  attributesFromObject,
  Status,
  type Kind,
  type Origin,
  type Scope,
  type SpanData,
  type SpanEvent,
  type SpanLink,
} from '@forge/core';
import { USUAL_FLAGS } from './encode/span-row.ts';
import { parseIsoMicros } from './encode/time.ts';

/** The columns that `decodeSpan` reads, by the names it wants. JSON comes as text: no parser set-up of a client matters. */
export const SPAN_SELECT = `trace_id, span_id, parent_span_id, operation_name, service_name, node_id::text AS node_id,
  (extract(epoch FROM start_time) * 1000000)::bigint::text AS start_us, status, status_message, tags::text AS tags,
  logs::text AS logs, resource, duration_us::text AS duration_us, kind, weight::float8 AS weight,
  origin_id::text AS origin_id, links::text AS links, trace_state, extra::text AS extra`;

export interface SpanRow {
  readonly trace_id: string;
  readonly span_id: string;
  readonly parent_span_id: string | null;
  readonly operation_name: string;
  readonly service_name: string;
  readonly node_id: string | null;
  readonly start_us: string;
  readonly status: string | null;
  readonly status_message: string | null;
  readonly tags: string | null;
  readonly logs: string | null;
  readonly resource: string;
  readonly duration_us: string;
  readonly kind: number;
  readonly weight: number;
  readonly origin_id: string | null;
  readonly links: string | null;
  readonly trace_state: string | null;
  readonly extra: string | null;
}

interface Extra {
  readonly flags?: number;
  readonly status?: string;
  readonly dropped_attributes?: number;
  readonly dropped_events?: number;
  readonly dropped_links?: number;
}

/** A stored span. `origin` and `scope`: what its origin_id stands for. */
export function decodeSpan(row: SpanRow, origin: Origin, scope: Scope): SpanData {
  const extra = row.extra === null ? undefined : (JSON.parse(row.extra) as Extra);
  return {
    traceId: row.trace_id,
    spanId: row.span_id,
    parentSpanId: row.parent_span_id ?? undefined,
    name: row.operation_name,
    resource: row.resource,
    kind: row.kind as Kind,
    startUnixUs: Number(row.start_us),
    durationUs: Number(row.duration_us),
    status: row.status === 'error' ? Status.error : extra?.status === 'ok' ? Status.ok : Status.unset,
    statusMessage: row.status_message ?? undefined,
    attributes: attributesOf(row.tags),
    events: row.logs === null || row.logs === '[]' ? [] : (JSON.parse(row.logs) as StoredLog[]).map(eventOf),
    links: row.links === null ? [] : (JSON.parse(row.links) as StoredLink[]).map(linkOf),
    origin,
    scope,
    traceState: row.trace_state ?? undefined,
    flags: extra?.flags ?? USUAL_FLAGS,
    weight: row.weight,
    droppedAttributes: extra?.dropped_attributes ?? 0,
    droppedEvents: extra?.dropped_events ?? 0,
    droppedLinks: extra?.dropped_links ?? 0,
  };
}

/** The flat list of a JSON object's text; null members stay, as holes of arrays do. */
export function attributesOf(json: string | null): unknown[] {
  if (json === null || json === '{}') return [];
  return attributesFromObject(JSON.parse(json) as Record<string, unknown>);
}

interface StoredLog {
  readonly time: string;
  readonly name: string;
  readonly attributes?: Record<string, unknown>;
  readonly dropped_attributes?: number;
}

function eventOf(log: StoredLog): SpanEvent {
  return {
    name: log.name,
    unixUs: parseIsoMicros(log.time),
    attributes: attributesFromObject(log.attributes ?? {}),
    droppedAttributes: log.dropped_attributes ?? 0,
  };
}

interface StoredLink {
  readonly trace_id: string;
  readonly span_id: string;
  readonly trace_state?: string;
  readonly flags?: number;
  readonly attributes?: Record<string, unknown>;
  readonly dropped_attributes?: number;
}

function linkOf(link: StoredLink): SpanLink {
  return {
    traceId: link.trace_id,
    spanId: link.span_id,
    traceState: link.trace_state,
    flags: link.flags ?? 0,
    attributes: attributesFromObject(link.attributes ?? {}),
    droppedAttributes: link.dropped_attributes ?? 0,
  };
}
