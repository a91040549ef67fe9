import { attributesToObject, Status, type SpanData } from '@forge/core';
import type {
  OperationName,
  StoredTrace,
  TimeRange,
  TracePage,
  TraceQuery,
  TraceStore,
  TraceSummary,
  WriteResult,
} from '@forge/storage';

/** A store that is too simple to be wrong: every answer is computed from all spans, at every question. */
export function createOracleStore(
  spans: readonly SpanData[] = [],
  kept: Readonly<Record<string, string>> = {},
): TraceStore {
  const stored: SpanData[] = [...spans];

  function trace(traceId: string): StoredTrace | undefined {
    const own = stored.filter((span) => span.traceId === traceId);
    if (own.length === 0) return undefined;
    own.sort((a, b) => a.startUnixUs - b.startUnixUs || (a.spanId < b.spanId ? -1 : 1));
    return { traceId, spans: own, kept: kept[traceId] ?? 'head', gaps: [] };
  }

  function summarize(own: StoredTrace, matches: readonly SpanData[]): TraceSummary {
    const ids = new Set(own.spans.map((span) => span.spanId));
    const root =
      own.spans.find((span) => span.parentSpanId === undefined || !ids.has(span.parentSpanId)) ?? own.spans[0];
    const startUnixUs = Math.min(...own.spans.map((span) => span.startUnixUs));
    const services = [...new Set(own.spans.map((span) => span.origin.serviceName))].map((name) => {
      const of = own.spans.filter((span) => span.origin.serviceName === name);
      return { name, spans: of.length, errors: of.filter((span) => span.status === Status.error).length };
    });
    return {
      traceId: own.traceId,
      root: {
        name: root.name,
        resource: root.resource,
        service: root.origin.serviceName,
        status: root.status === Status.error ? 'error' : 'ok',
      },
      startUnixUs,
      durationUs: Math.max(...own.spans.map((span) => span.startUnixUs + span.durationUs)) - startUnixUs,
      spans: own.spans.length,
      errors: own.spans.filter((span) => span.status === Status.error).length,
      services: services.sort((a, b) => (a.name < b.name ? -1 : 1)),
      kept: own.kept,
      longestMatchUs: Math.max(...matches.map((span) => span.durationUs)),
    };
  }

  return {
    write(batch): Promise<WriteResult> {
      const fresh = batch.filter(
        (span) => !stored.some((old) => old.traceId === span.traceId && old.spanId === span.spanId),
      );
      stored.push(...fresh);
      return Promise.resolve({ stored: fresh.length, duplicates: batch.length - fresh.length });
    },
    trace: (traceId) => Promise.resolve(trace(traceId)),
    search(query): Promise<TracePage> {
      const ids = [...new Set(stored.map((span) => span.traceId))];
      const found = ids.flatMap((id) => {
        const own = trace(id)!;
        const matches = own.spans.filter((span) => isMatch(span, query));
        return matches.length === 0 || (query.kept !== undefined && own.kept !== query.kept)
          ? []
          : [summarize(own, matches)];
      });
      const rank = RANKS[query.sort];
      found.sort((a, b) => rank(b) - rank(a) || (a.traceId < b.traceId ? 1 : -1));
      const from = query.cursor === undefined ? 0 : found.findIndex((summary) => summary.traceId === query.cursor) + 1;
      const traces = found.slice(from, from + query.limit);
      return Promise.resolve({ traces, next: from + query.limit < found.length ? traces.at(-1)!.traceId : undefined });
    },
    services: (range) =>
      Promise.resolve([...new Set(stored.filter(isIn(range)).map((span) => span.origin.serviceName))].sort()),
    operations(range, service): Promise<OperationName[]> {
      const names = stored
        .filter(isIn(range))
        .filter((span) => service === undefined || span.origin.serviceName === service)
        .map((span) => JSON.stringify({ name: span.name, resource: span.resource }));
      return Promise.resolve([...new Set(names)].sort().map((text) => JSON.parse(text) as OperationName));
    },
    close: () => Promise.resolve(),
  };
}

const RANKS = {
  newest: (summary: TraceSummary) => summary.startUnixUs,
  longest: (summary: TraceSummary) => summary.durationUs,
  longest_span: (summary: TraceSummary) => summary.longestMatchUs,
  most_errors: (summary: TraceSummary) => summary.errors,
  most_spans: (summary: TraceSummary) => summary.spans,
};

function isIn(range: TimeRange): (span: SpanData) => boolean {
  return (span) => span.startUnixUs >= range.startUnixUs && span.startUnixUs < range.endUnixUs;
}

function isMatch(span: SpanData, query: TraceQuery): boolean {
  const tags = attributesToObject(span.attributes);
  const asText = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));
  if (query.operation !== undefined && span.name !== query.operation && span.resource !== query.operation) return false;
  if (query.service !== undefined && span.origin.serviceName !== query.service) return false;
  if (query.minDurationUs !== undefined && span.durationUs < query.minDurationUs) return false;
  if (query.maxDurationUs !== undefined && span.durationUs > query.maxDurationUs) return false;
  if (query.status !== undefined && (span.status === Status.error) !== (query.status === 'error')) return false;
  if (query.startUnixUs !== undefined && span.startUnixUs < query.startUnixUs) return false;
  if (query.endUnixUs !== undefined && span.startUnixUs >= query.endUnixUs) return false;
  for (const [key, value] of query.tags ?? [])
    if (!Object.hasOwn(tags, key) || asText(tags[key]) !== value) return false;
  if (query.text === undefined) return true;
  const part = query.text.toLowerCase();
  return [span.name, span.resource, span.statusMessage ?? '', ...Object.values(tags).map(asText)].some((text) =>
    text.toLowerCase().includes(part),
  );
}
