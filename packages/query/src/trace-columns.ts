import { attributeOf, type SpanData, type SpanEvent } from '@forge/core';
import type { StoredTrace } from '@forge/storage';
import { ColumnFlag, type ColumnsJson, type TraceLogsJson, type TraceMatchesJson } from './columns.ts';
import { isoFromUnixUs } from './time-text.ts';
import { tagsToJson } from './trace-json.ts';

/** The columns of a stored trace: one pass, no object a span. */
export function traceToColumns(trace: StoredTrace): ColumnsJson {
  const { spans } = trace;
  const count = spans.length;
  const rowOf = new Map<string, number>();
  for (let row = 0; row < count; row++) if (!rowOf.has(spans[row].spanId)) rowOf.set(spans[row].spanId, row);
  const startUs = spans.reduce((first, span) => Math.min(first, span.startUnixUs), Infinity);
  const endUs = spans.reduce((last, span) => Math.max(last, span.startUnixUs + span.durationUs), -Infinity);
  const strings = new StringTable();
  const column = (): number[] => Array.from<number>({ length: count });
  const columns: ColumnsJson = {
    trace_id: trace.traceId,
    start_us: startUs,
    duration_us: endUs - startUs,
    kept: trace.kept,
    gaps: trace.gaps.map((gap) => ({ node_id: gap.nodeId, reason: gap.reason, time: isoFromUnixUs(gap.atUnixUs) })),
    count,
    span_ids: spans.map((span) => span.spanId).join(''),
    parent: column(),
    missing_parent: [],
    start: column(),
    duration: column(),
    strings: strings.texts,
    name: column(),
    resource: column(),
    service: column(),
    node: column(),
    kind: column(),
    status: column(),
    flags: column(),
    logs: { row: [], time: [], label: [] },
  };
  for (const [row, span] of spans.entries()) {
    columns.parent[row] = parentRow(span, row, rowOf, columns.missing_parent);
    columns.start[row] = span.startUnixUs - startUs;
    columns.duration[row] = span.durationUs;
    columns.name[row] = strings.indexOf(span.name);
    columns.resource[row] = strings.indexOf(span.resource);
    columns.service[row] = strings.indexOf(span.origin.serviceName);
    columns.node[row] = span.origin.nodeId === undefined ? -1 : strings.indexOf(span.origin.nodeId);
    columns.kind[row] = span.kind;
    columns.status[row] = span.status;
    columns.flags[row] = flagsOf(span);
    for (const event of byTime(span.events)) {
      columns.logs.row.push(row);
      columns.logs.time.push(event.unixUs - startUs);
      columns.logs.label.push(strings.indexOf(levelOf(event) ?? event.name));
    }
  }
  return columns;
}

/** Texts once each, by their positions. */
class StringTable {
  readonly texts: string[] = [];
  readonly #positions = new Map<string, number>();

  indexOf(text: string): number {
    let position = this.#positions.get(text);
    if (position === undefined) {
      position = this.texts.push(text) - 1;
      this.#positions.set(text, position);
    }
    return position;
  }
}

function parentRow(
  span: SpanData,
  row: number,
  rowOf: ReadonlyMap<string, number>,
  missing: [number, string][],
): number {
  if (span.parentSpanId === undefined) return -1;
  const parent = rowOf.get(span.parentSpanId);
  if (parent !== undefined) return parent;
  missing.push([row, span.parentSpanId]);
  return -2;
}

function flagsOf(span: SpanData): number {
  return (
    (span.attributes.length > 0 ? ColumnFlag.tags : 0) |
    (span.events.length > 0 ? ColumnFlag.logs : 0) |
    (span.links.length > 0 ? ColumnFlag.links : 0) |
    (span.statusMessage !== undefined && span.statusMessage !== '' ? ColumnFlag.statusMessage : 0) |
    (span.droppedAttributes + span.droppedEvents + span.droppedLinks > 0 ? ColumnFlag.dropped : 0)
  );
}

/** All log lines of a trace, by time, then row. */
export function traceToLogs(trace: StoredTrace): TraceLogsJson {
  const logs: TraceLogsJson['logs'] = [];
  for (const [row, span] of trace.spans.entries()) {
    for (const event of span.events) {
      const message = attributeOf(event.attributes, 'message') ?? attributeOf(event.attributes, 'exception.message');
      logs.push({
        row,
        span_id: span.spanId,
        time_us: event.unixUs,
        name: event.name,
        level: levelOf(event) ?? null,
        message: typeof message === 'string' ? message : event.name,
        attributes: tagsToJson(event.attributes),
      });
    }
  }
  // Stable: of one moment, the rows and their own order stay.
  return { trace_id: trace.traceId, logs: logs.sort((a, b) => a.time_us - b.time_us) };
}

/** Rows in which a tag, a log line or the status message holds `text`, in any case. */
export function findInTrace(trace: StoredTrace, text: string): TraceMatchesJson {
  const part = text.toLowerCase();
  const holds = (value: unknown): boolean =>
    (typeof value === 'string' ? value : (JSON.stringify(value) ?? '')).toLowerCase().includes(part);
  const inList = (list: readonly unknown[]): boolean => list.some(holds);
  const rows: number[] = [];
  for (const [row, span] of trace.spans.entries()) {
    const isMatch =
      (span.statusMessage !== undefined && holds(span.statusMessage)) ||
      inList(span.attributes) ||
      span.events.some((event) => holds(event.name) || inList(event.attributes));
    if (isMatch) rows.push(row);
  }
  return { trace_id: trace.traceId, count: trace.spans.length, rows };
}

/** The level of a log line, in lower case: as the loggers here write it, or as OpenTelemetry names it. */
function levelOf(event: SpanEvent): string | undefined {
  const level = attributeOf(event.attributes, 'level') ?? attributeOf(event.attributes, 'severity_text');
  return typeof level === 'string' && level !== '' ? level.toLowerCase() : undefined;
}

function byTime(events: readonly SpanEvent[]): readonly SpanEvent[] {
  return events.length < 2 ? events : [...events].sort((a, b) => a.unixUs - b.unixUs);
}
