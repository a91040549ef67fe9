import type { SpanData } from '@forge/core';
import { checkQuery, checkRange } from '../check-query.ts';
import type { ServiceEdge, TimeRange, TracePage, TraceQuery, TraceStore, TraceSummary } from '../contract.ts';
import { wholeHours, wholeMinutes } from '../rate-grid.ts';
import { spanMatches } from '../span-match.ts';
import { summarize, type SpanOutline } from '../summarize.ts';
import { compareTraces, decodeCursor, encodeCursor, sortKey } from '../trace-order.ts';
import { compareText, operationsOf, servicesOf, tagKeysOf, tagValuesOf } from './memory-names.ts';
import { addEdges, heatmapOf, ratesOf } from './memory-rates.ts';
import { snapshot } from './span-snapshot.ts';

/**
 * Spans in this process's memory, unbounded: for tests, as their oracle, and for trying things out.
 * It scans everything at every question.
 */
export function createMemoryStore(): TraceStore {
  const traces = new Map<string, Map<string, SpanData>>();

  function* allSpans(): Generator<SpanData> {
    for (const spans of traces.values()) yield* spans.values();
  }

  function* spansIn({ startUnixUs, endUnixUs }: TimeRange): Generator<SpanData> {
    for (const span of allSpans()) if (span.startUnixUs >= startUnixUs && span.startUnixUs < endUnixUs) yield span;
  }

  function hoursOf(range: TimeRange): Generator<SpanData> {
    checkRange(range);
    return spansIn(wholeHours(range));
  }

  function* matching(query: TraceQuery): Generator<TraceSummary> {
    for (const [traceId, spans] of traces) {
      let longestUs = -1;
      for (const span of spans.values()) {
        if (span.durationUs > longestUs && spanMatches(span, query)) longestUs = span.durationUs;
      }
      if (longestUs < 0) continue;
      const summary = summarize(traceId, [...spans.values()].map(outline), 'head', longestUs);
      if (query.kept === undefined || query.kept === summary.kept) yield summary;
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
      return { stored, duplicates: batch.length - stored, expired: 0 };
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

    services: async (range) => servicesOf(hoursOf(range)),
    operations: async (range, service) => operationsOf(hoursOf(range), service),
    tagKeys: async (range, service) => tagKeysOf(hoursOf(range), service),
    tagValues: async (query) => tagValuesOf(hoursOf(query), query),

    async rates(query) {
      checkRange(query);
      return ratesOf(allSpans(), query);
    },

    async heatmap(query) {
      checkRange(query);
      return heatmapOf(allSpans(), query);
    },

    async edges(range) {
      checkRange(range);
      const { startUnixUs, endUnixUs } = wholeMinutes(range);
      const edges = new Map<string, ServiceEdge>();
      for (const spans of traces.values()) addEdges(edges, spans.values(), startUnixUs, endUnixUs);
      return [...edges.values()].sort((a, b) => compareText(a.parent, b.parent) || compareText(a.child, b.child));
    },

    deleteTrace: async (traceId) => traces.delete(traceId),

    async close() {
      traces.clear();
    },
  };
}

function page(query: TraceQuery, found: readonly TraceSummary[]): TracePage {
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

function outline(span: SpanData): SpanOutline {
  const { spanId, parentSpanId, name, resource, startUnixUs, durationUs, status } = span;
  return { spanId, parentSpanId, name, resource, startUnixUs, durationUs, status, service: span.origin.serviceName };
}

function byStart(a: SpanData, b: SpanData): number {
  return a.startUnixUs - b.startUnixUs || compareText(a.spanId, b.spanId);
}
