import type { SpanData } from '@forge/core';
import type { EdgeJson, HeatmapJson, RatesJson } from '../src/rates.ts';
import type { SummaryJson } from '../src/search.ts';

/**
 * What the API must answer, computed from all spans in the plainest way: slow, and too simple to be wrong. It shares
 * no code with the API or with any store.
 */

export interface SearchQuestion {
  readonly operation?: string;
  readonly service?: string;
  readonly min_duration?: number;
  readonly max_duration?: number;
  readonly status?: 'ok' | 'error';
  readonly text?: string;
  readonly tags?: readonly (readonly [string, string])[];
  readonly start?: number;
  readonly end?: number;
  readonly sort: 'newest' | 'longest' | 'longest_span' | 'most_errors' | 'most_spans';
}

/** All traces that match, in order. */
export function answerSearch(spans: readonly SpanData[], question: SearchQuestion): SummaryJson[] {
  const found: SummaryJson[] = [];
  for (const id of new Set(spans.map((span) => span.traceId))) {
    const own = spans.filter((span) => span.traceId === id);
    const matches = own.filter((span) => isMatch(span, question));
    if (matches.length > 0) found.push(summary(own, Math.max(...matches.map((span) => span.durationUs))));
  }
  const rank = (trace: SummaryJson): number => {
    if (question.sort === 'newest') return trace.start_us;
    if (question.sort === 'longest') return trace.duration_us;
    if (question.sort === 'longest_span') return trace.longest_match_us;
    return question.sort === 'most_errors' ? trace.errors : trace.spans;
  };
  return found.sort((a, b) => rank(b) - rank(a) || (a.trace_id < b.trace_id ? 1 : -1));
}

function isMatch(span: SpanData, question: SearchQuestion): boolean {
  const isError = span.status === 2;
  const texts = [span.name, span.resource, span.statusMessage ?? '', ...tagsOf(span).map(([, value]) => textOf(value))];
  const { operation, service, min_duration: min = 0, max_duration: max = Infinity, status, text } = question;
  return (
    (operation === undefined || span.name === operation || span.resource === operation) &&
    (service === undefined || span.origin.serviceName === service) &&
    span.durationUs >= min * 1000 &&
    span.durationUs <= max * 1000 &&
    (status === undefined || isError === (status === 'error')) &&
    (text === undefined || texts.some((one) => one.toLowerCase().includes(text.toLowerCase()))) &&
    (question.tags ?? []).every(([key, value]) =>
      tagsOf(span).some(([k, v]) => k === key && valuesOf(v).includes(value)),
    ) &&
    span.startUnixUs >= (question.start ?? 0) &&
    span.startUnixUs < (question.end ?? Infinity)
  );
}

function tagsOf(span: SpanData): [string, unknown][] {
  return span.attributes.flatMap((key, i, all) =>
    i % 2 === 0 ? [[key as string, all[i + 1]] as [string, unknown]] : [],
  );
}

/** An array is its elements when tags are compared. */
function valuesOf(value: unknown): string[] {
  return Array.isArray(value) ? value.map(textOf) : [textOf(value)];
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return Array.isArray(value) ? `[${value.map((item) => JSON.stringify(item)).join(', ')}]` : JSON.stringify(value);
}

function summary(own: readonly SpanData[], longestMatchUs: number): SummaryJson {
  const roots = own.filter((span) => !own.some((other) => other.spanId === span.parentSpanId));
  const [root] = (roots.length > 0 ? roots : [...own]).sort(
    (a, b) =>
      a.startUnixUs - b.startUnixUs ||
      Number(a.parentSpanId !== undefined) - Number(b.parentSpanId !== undefined) ||
      (a.spanId < b.spanId ? -1 : 1),
  );
  const startUs = Math.min(...own.map((span) => span.startUnixUs));
  const durationUs = Math.max(...own.map((span) => span.startUnixUs + span.durationUs)) - startUs;
  const errorsOf = (of: readonly SpanData[]): number => of.filter((span) => span.status === 2).length;
  const names = [...new Set(own.map((span) => span.origin.serviceName))].sort();
  return {
    trace_id: own[0].traceId,
    root: {
      operation_name: root.name,
      resource: root.resource,
      service_name: root.origin.serviceName,
      status: root.status === 2 ? 'error' : 'ok',
    },
    start_time: new Date(startUs / 1000).toISOString().replace('Z', `${String(startUs % 1000).padStart(3, '0')}Z`),
    start_us: startUs,
    duration_ms: Math.round(durationUs / 1000),
    duration_us: durationUs,
    spans: own.length,
    errors: errorsOf(own),
    services: names.map((name) => {
      const of = own.filter((span) => span.origin.serviceName === name);
      return { service_name: name, spans: of.length, errors: errorsOf(of) };
    }),
    kept: 'head',
    longest_match_us: longestMatchUs,
  };
}

const MINUTE_US = 60e6;
const HOUR_US = 3600e6;

/** Whether a span lies in the range, widened to whole hours. */
export function isInHours(span: SpanData, start: number, end: number): boolean {
  return (
    span.startUnixUs >= Math.floor(start / HOUR_US) * HOUR_US && span.startUnixUs < Math.ceil(end / HOUR_US) * HOUR_US
  );
}

export function answerTagValues(spans: readonly SpanData[], key: string, prefix: string): string[] {
  const values = spans.flatMap((span) => tagsOf(span).flatMap(([k, value]) => (k === key ? valuesOf(value) : [])));
  return [...new Set(values)].filter((value) => value.startsWith(prefix)).sort();
}

/** What one series of rates must hold at each of its points, the quantiles as the exact durations. */
export function answerRate(spans: readonly SpanData[], rates: Pick<RatesJson, 'starts_us' | 'step_us' | 'quantiles'>) {
  return rates.starts_us.map((from) => {
    const own = spans.filter((span) => span.startUnixUs >= from && span.startUnixUs < from + rates.step_us);
    return answerPoint(own, rates.quantiles);
  });
}

export function answerPoint(own: readonly SpanData[], quantiles: readonly number[]) {
  const durations = own.map((span) => span.durationUs).sort((a, b) => a - b);
  return {
    requests: own.length,
    errors: own.filter((span) => span.status === 2).length,
    sum_us: durations.reduce((sum, one) => sum + one, 0),
    max_us: durations.at(-1) ?? 0,
    quantiles_us: quantiles.map((share) => durations[Math.max(1, Math.ceil(share * durations.length)) - 1] ?? 0),
  };
}

/** Spans whose minute lies in the range. */
export function inMinutes(spans: readonly SpanData[], start: number, end: number): SpanData[] {
  return spans.filter((span) => {
    const minute = Math.floor(span.startUnixUs / MINUTE_US) * MINUTE_US;
    return minute >= Math.floor(start / MINUTE_US) * MINUTE_US && minute < end;
  });
}

/** The counts of a heatmap's rows and columns. */
export function answerHeatmap(
  spans: readonly SpanData[],
  map: Pick<HeatmapJson, 'starts_us' | 'step_us' | 'rows_us'>,
): number[][] {
  return map.starts_us.map((from) =>
    map.rows_us.map(
      (lowest, row) =>
        spans.filter(
          (span) =>
            span.startUnixUs >= from &&
            span.startUnixUs < from + map.step_us &&
            span.durationUs >= lowest &&
            span.durationUs < (map.rows_us[row + 1] ?? Infinity),
        ).length,
    ),
  );
}

export function answerEdges(all: readonly SpanData[], called: readonly SpanData[]): EdgeJson[] {
  const edges = new Map<string, SpanData[]>();
  for (const span of called) {
    const parent = all.find((one) => one.traceId === span.traceId && one.spanId === span.parentSpanId)?.origin
      .serviceName;
    if (parent === undefined || parent === span.origin.serviceName) continue;
    const key = JSON.stringify([parent, span.origin.serviceName]);
    edges.set(key, [...(edges.get(key) ?? []), span]);
  }
  return [...edges]
    .map(([key, own]) => {
      const [parent_service, child_service] = JSON.parse(key) as [string, string];
      const { requests, errors, sum_us, max_us } = answerPoint(own, []);
      return { parent_service, child_service, requests, errors, sum_us, max_us };
    })
    .sort((a, b) => (a.parent_service + '\0' + a.child_service < b.parent_service + '\0' + b.child_service ? -1 : 1));
}
