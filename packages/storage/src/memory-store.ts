import { type SpanData } from '@forge/core';
import { checkQuery, checkRange } from './check-query.ts';
import type { OperationName, TimeRange, TracePage, TraceQuery, TraceStore, TraceSummary } from './contract.ts';
import { spanMatches } from './span-match.ts';
import { summarize } from './summarize.ts';
import { compareTraces, decodeCursor, encodeCursor, sortKey } from './trace-order.ts';

/**
 * Spans in this process's memory, unbounded: for tests, as their oracle, and for trying things out.
 * It scans everything at every question.
 */
export function createMemoryStore(): TraceStore {
  const traces = new Map<string, Map<string, SpanData>>();

  function summaryOf(traceId: string, longestMatchUs: number): TraceSummary {
    const spans = [...traces.get(traceId)!.values()].map(outline);
    return summarize(traceId, spans, 'head', longestMatchUs);
  }

  function* spansIn(range: TimeRange): Generator<SpanData> {
    checkRange(range);
    for (const spans of traces.values()) {
      for (const span of spans.values()) {
        if (span.startUnixUs >= range.startUnixUs && span.startUnixUs < range.endUnixUs) yield span;
      }
    }
  }

  return {
    async write(batch) {
      let stored = 0;
      for (const span of batch) {
        let spans = traces.get(span.traceId);
        if (spans === undefined) traces.set(span.traceId, (spans = new Map()));
        const key = `${span.spanId} ${span.startUnixUs}`;
        if (spans.has(key)) continue;
        spans.set(key, snapshot(span));
        stored++;
      }
      return { stored, duplicates: batch.length - stored };
    },

    async trace(traceId) {
      const spans = traces.get(traceId);
      if (spans === undefined) return undefined;
      return { traceId, spans: [...spans.values()].sort(byStart), kept: 'head', gaps: [] };
    },

    async search(query) {
      checkQuery(query);
      return page(query, [...matching(query)]);
    },

    async services(range) {
      return [...new Set([...spansIn(range)].map((span) => span.origin.serviceName))].sort();
    },

    async operations(range, service) {
      const found = new Map<string, OperationName>();
      for (const span of spansIn(range)) {
        if (service !== undefined && span.origin.serviceName !== service) continue;
        found.set(JSON.stringify([span.name, span.resource]), { name: span.name, resource: span.resource });
      }
      return [...found.values()].sort((a, b) => compareText(a.name, b.name) || compareText(a.resource, b.resource));
    },

    async close() {
      traces.clear();
    },
  };

  function* matching(query: TraceQuery): Generator<TraceSummary> {
    for (const [traceId, spans] of traces) {
      let longestUs = -1;
      for (const span of spans.values()) {
        if (span.durationUs > longestUs && spanMatches(span, query)) longestUs = span.durationUs;
      }
      if (longestUs < 0) continue;
      const summary = summaryOf(traceId, longestUs);
      if (query.kept === undefined || query.kept === summary.kept) yield summary;
    }
  }
}

function page(query: TraceQuery, found: TraceSummary[]): TracePage {
  const after = decodeCursor(query);
  const placed = found
    .map((summary) => ({ key: sortKey(query.sort, summary), traceId: summary.traceId, summary }))
    .filter((trace) => after === undefined || compareTraces(after, trace) < 0)
    .sort(compareTraces);
  const shown = placed.slice(0, query.limit);
  const last = shown.at(-1);
  const next = placed.length > shown.length && last !== undefined ? encodeCursor(query.sort, last) : undefined;
  return { traces: shown.map((trace) => trace.summary), next };
}

function outline(span: SpanData) {
  const { spanId, parentSpanId, name, resource, startUnixUs, durationUs, status } = span;
  return { spanId, parentSpanId, name, resource, startUnixUs, durationUs, status, service: span.origin.serviceName };
}

function byStart(a: SpanData, b: SpanData): number {
  return a.startUnixUs - b.startUnixUs || compareText(a.spanId, b.spanId);
}

function compareText(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

/** A copy of plain fields: a live `Span` computes them at each access. */
function snapshot(span: SpanData): SpanData {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId,
    name: span.name,
    resource: span.resource,
    kind: span.kind,
    startUnixUs: span.startUnixUs,
    durationUs: span.durationUs,
    status: span.status,
    statusMessage: span.statusMessage,
    attributes: [...span.attributes],
    events: [...span.events],
    links: [...span.links],
    origin: span.origin,
    scope: span.scope,
    traceState: span.traceState,
    flags: span.flags,
    weight: span.weight,
    droppedAttributes: span.droppedAttributes,
    droppedEvents: span.droppedEvents,
    droppedLinks: span.droppedLinks,
  };
}
