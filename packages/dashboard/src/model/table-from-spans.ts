import type { SpanData, SpanEvent } from '@forge/core';
import { Flag, Kind, MISSING_PARENT, NO_PARENT, writeId, type SpanTable } from './span-table.ts';

/** A trace read from a file: its columns, and the spans in the same order for their tags and logs. */
export interface SpanFileTrace {
  readonly table: SpanTable;
  readonly spans: readonly SpanData[];
}

/** Splits decoded spans into traces, each by start, then span id; the traces by their first start. */
export function tracesFromSpans(spans: Iterable<SpanData>): SpanFileTrace[] {
  const byTrace = new Map<string, SpanData[]>();
  for (const span of spans) {
    const trace = byTrace.get(span.traceId);
    if (trace === undefined) byTrace.set(span.traceId, [span]);
    else trace.push(span);
  }
  const traces = Array.from(byTrace.values(), tableFromSpans);
  return traces.sort((a, b) => a.table.startUnixUs - b.table.startUnixUs);
}

function tableFromSpans(unsorted: readonly SpanData[]): SpanFileTrace {
  const spans = unsorted.toSorted(
    (a, b) => a.startUnixUs - b.startUnixUs || (a.spanId < b.spanId ? -1 : a.spanId > b.spanId ? 1 : a.kind - b.kind),
  );
  const count = spans.length;
  const startUnixUs = spans[0].startUnixUs;
  const text = new StringTable();
  const ids = new Uint32Array(count * 2);
  const missing: [number, string][] = [];
  const parent = resolveParents(spans, missing);
  const columns = {
    start: new Float64Array(count),
    duration: new Float64Array(count),
    name: new Int32Array(count),
    resource: new Int32Array(count),
    service: new Int32Array(count),
    process: new Int32Array(count),
    kind: new Uint8Array(count),
    status: new Uint8Array(count),
    flags: new Uint16Array(count),
  };
  const logs: { row: number; time: number; label: number }[] = [];
  for (const [row, span] of spans.entries()) {
    writeId(ids, row, span.spanId);
    columns.start[row] = span.startUnixUs - startUnixUs;
    columns.duration[row] = span.durationUs;
    columns.name[row] = text.at(span.name);
    columns.resource[row] = text.at(span.resource);
    columns.service[row] = text.at(span.origin.serviceName);
    columns.process[row] = span.origin.nodeId === undefined ? -1 : text.at(span.origin.nodeId);
    columns.kind[row] = span.kind;
    columns.status[row] = span.status;
    columns.flags[row] =
      (span.attributes.length > 0 ? Flag.tags : 0) |
      (span.events.length > 0 ? Flag.logs : 0) |
      (span.links.length > 0 ? Flag.links : 0) |
      (span.statusMessage === undefined ? 0 : Flag.statusMessage) |
      (span.droppedAttributes + span.droppedEvents + span.droppedLinks > 0 ? Flag.dropped : 0);
    const events = span.events.toSorted((a, b) => a.unixUs - b.unixUs);
    for (const event of events)
      logs.push({ row, time: event.unixUs - startUnixUs, label: text.at(levelOf(event) ?? event.name) });
  }
  const table: SpanTable = {
    traceId: spans[0].traceId,
    startUnixUs,
    kept: '',
    gaps: [],
    count,
    ids,
    parent,
    missing,
    ...columns,
    strings: text.strings,
    logRow: Int32Array.from(logs, ({ row }) => row),
    logTime: Float64Array.from(logs, ({ time }) => time),
    logLabel: Int32Array.from(logs, ({ label }) => label),
  };
  return { table, spans };
}

class StringTable {
  readonly strings: string[] = [];
  readonly #positions = new Map<string, number>();

  at(text: string): number {
    let position = this.#positions.get(text);
    if (position === undefined) {
      position = this.strings.length;
      this.#positions.set(text, position);
      this.strings.push(text);
    }
    return position;
  }
}

/**
 * The row of each span's parent. Two spans may share an id (Zipkin writes both sides of a call under one): the server's
 * parent is then the client of the same id, and others that name the id are children of the server.
 */
function resolveParents(spans: readonly SpanData[], missing: [number, string][]): Int32Array {
  const servers = new Map<string, number>();
  const others = new Map<string, number>();
  for (const [row, span] of spans.entries()) {
    const rows = span.kind === Kind.server ? servers : others;
    if (!rows.has(span.spanId)) rows.set(span.spanId, row);
  }
  return Int32Array.from(spans, (span, row) => {
    if (span.kind === Kind.server) {
      const client = others.get(span.spanId);
      if (client !== undefined) return client;
    }
    if (span.parentSpanId === undefined) return NO_PARENT;
    const parent = servers.get(span.parentSpanId) ?? others.get(span.parentSpanId);
    if (parent !== undefined) return parent;
    missing.push([row, span.parentSpanId]);
    return MISSING_PARENT;
  });
}

/** The level of a log line in lower case; `exception` for one; undefined for other events. */
export function levelOf(event: SpanEvent): string | undefined {
  for (let i = 0; i < event.attributes.length; i += 2) {
    const value = event.attributes[i + 1];
    if (LEVEL_KEYS.has(event.attributes[i] as string) && typeof value === 'string') return value.toLowerCase();
  }
  return event.name === 'exception' ? 'exception' : undefined;
}

const LEVEL_KEYS: ReadonlySet<string> = new Set(['level', 'log.level', 'severity', 'log.severity', 'severity_text']);
