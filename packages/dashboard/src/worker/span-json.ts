import type { AttributeList, SpanData } from '@forge/core';
import type { SpanJson, TraceLogsJson } from '@forge/query';
import { KIND_NAMES, STATUS_ERROR } from '../model/span-table.ts';
import { levelOf } from '../model/table-from-spans.ts';

/** A span of an opened file in the form in which the API answers spans, so that the viewer knows one form only. */
export function spanJsonOf(span: SpanData): SpanJson {
  return {
    trace_id: span.traceId,
    span_id: span.spanId,
    parent_span_id: span.parentSpanId ?? null,
    operation_name: span.name,
    resource: span.resource,
    service_name: span.origin.serviceName,
    node_id: span.origin.nodeId ?? null,
    kind: KIND_NAMES[span.kind],
    start_time: new Date(span.startUnixUs / 1000).toISOString(),
    start_us: span.startUnixUs,
    duration_ms: Math.round(span.durationUs / 1000),
    duration_us: span.durationUs,
    status: span.status === STATUS_ERROR ? 'error' : 'ok',
    status_message: span.statusMessage ?? null,
    tags: objectOf(span.attributes),
    logs: span.events.map((event) => ({
      name: event.name,
      time: new Date(event.unixUs / 1000).toISOString(),
      time_us: event.unixUs,
      attributes: objectOf(event.attributes),
    })),
    links: span.links.map((link) => ({
      trace_id: link.traceId,
      span_id: link.spanId,
      trace_state: link.traceState ?? null,
      attributes: objectOf(link.attributes),
    })),
    process: objectOf(span.origin.attributes),
    scope: { name: span.scope.name, version: span.scope.version ?? null },
    trace_state: span.traceState ?? null,
    weight: span.weight,
  };
}

/** All events of an opened trace, by time, as the API answers them. */
export function logsJsonOf(spans: readonly SpanData[]): TraceLogsJson['logs'] {
  const logs = spans.flatMap((span, row) =>
    span.events.map((event) => {
      const attributes = objectOf(event.attributes);
      const message = attributes['message'] ?? attributes['exception.message'];
      return {
        row,
        span_id: span.spanId,
        time_us: event.unixUs,
        name: event.name,
        level: levelOf(event) ?? null,
        message: typeof message === 'string' ? message : event.name,
        attributes,
      };
    }),
  );
  return logs.sort((a, b) => a.time_us - b.time_us);
}

/** Rows of an opened trace in which a tag, an event or the status message holds `text`. */
export function rowsWithText(spans: readonly SpanData[], text: string): number[] {
  const part = text.toLowerCase();
  const holds = (value: unknown): boolean =>
    (typeof value === 'string' ? value : (JSON.stringify(value) ?? '')).toLowerCase().includes(part);
  const rows: number[] = [];
  for (const [row, span] of spans.entries())
    if (
      holds(span.statusMessage ?? '') ||
      span.attributes.some(holds) ||
      span.events.some((event) => holds(event.name) || event.attributes.some(holds))
    )
      rows.push(row);
  return rows;
}

/** JSON has no bigint: Jaeger and OTLP files may hold integers beyond 2^53. */
function objectOf(list: AttributeList): Record<string, unknown> {
  const entries: [string, unknown][] = [];
  for (let i = 0; i < list.length; i += 2) {
    const value = list[i + 1];
    entries.push([list[i] as string, typeof value === 'bigint' ? String(value) : value]);
  }
  return Object.fromEntries(entries);
}
