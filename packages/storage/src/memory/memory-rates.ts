import { Status, type SpanData } from '@forge/core';
import type {
  Heatmap,
  HeatmapQuery,
  RateFilter,
  RatePoint,
  RateQuery,
  RateResult,
  RateSeries,
  ServiceEdge,
} from '../contract.ts';
import { heatRow, heatRowStartUs, rateGrid } from '../rate-grid.ts';
import { compareText } from './memory-names.ts';

const MINUTE_US = 60_000_000;

/** Rates, heatmaps and edges by looking at each span. */
export function ratesOf(spans: Iterable<SpanData>, query: RateQuery): RateResult {
  const { stepUs, startsUnixUs } = rateGrid(query, query.stepUs);
  const quantiles = query.quantiles ?? [0.5, 0.95, 0.99];
  const groups = new Map<string, SpanData[][]>();
  for (const span of spans) {
    const column = columnOf(span, query, startsUnixUs, stepUs);
    if (column === undefined) continue;
    const { by } = query;
    const key = JSON.stringify([
      by.includes('service') ? span.origin.serviceName : null,
      by.includes('operation') ? span.name : null,
      by.includes('resource') ? span.resource : null,
    ]);
    let columns = groups.get(key);
    if (columns === undefined) groups.set(key, (columns = startsUnixUs.map(() => [])));
    columns[column].push(span);
  }
  const series = [...groups]
    .sort(([a], [b]) => compareText(a, b))
    .map(([key, columns]): RateSeries => {
      const [service, operation, resource] = JSON.parse(key) as (string | null)[];
      return {
        ...(service === null ? {} : { service }),
        ...(operation === null ? {} : { operation }),
        ...(resource === null ? {} : { resource }),
        total: pointOf(columns.flat(), quantiles),
        points: columns.map((column) => pointOf(column, quantiles)),
      };
    });
  series.sort((a, b) => b.total.requests - a.total.requests);
  const shown = series.slice(0, query.limit);
  return { stepUs, startsUnixUs, series: shown, omitted: series.length - shown.length };
}

export function heatmapOf(spans: Iterable<SpanData>, query: HeatmapQuery): Heatmap {
  const { stepUs, startsUnixUs } = rateGrid(query, query.stepUs);
  const cells: number[][] = startsUnixUs.map(() => []);
  let lowest = Number.POSITIVE_INFINITY;
  let highest = -1;
  for (const span of spans) {
    const column = columnOf(span, query, startsUnixUs, stepUs);
    if (column === undefined) continue;
    if (query.status !== undefined && (span.status === Status.error) !== (query.status === 'error')) continue;
    const row = heatRow(span.durationUs);
    lowest = Math.min(lowest, row);
    highest = Math.max(highest, row);
    cells[column][row] = (cells[column][row] ?? 0) + weightOf(span);
  }
  const rows = highest < 0 ? [] : Array.from({ length: highest - lowest + 1 }, (_, i) => lowest + i);
  return {
    stepUs,
    startsUnixUs,
    rowsUs: rows.map(heatRowStartUs),
    counts: cells.map((column) => rows.map((row) => column[row] ?? 0)),
  };
}

/** The edges within one trace's spans, added to `edges`. */
export function addEdges(
  edges: Map<string, ServiceEdge>,
  spans: Iterable<SpanData>,
  startUs: number,
  endUs: number,
): void {
  const services = new Map<string, string>();
  const all = [...spans];
  for (const span of all) services.set(span.spanId, span.origin.serviceName);
  for (const span of all) {
    const minute = Math.floor(span.startUnixUs / MINUTE_US) * MINUTE_US;
    if (minute < startUs || minute >= endUs || span.parentSpanId === undefined) continue;
    const parent = services.get(span.parentSpanId);
    const child = span.origin.serviceName;
    if (parent === undefined || parent === child) continue;
    const key = JSON.stringify([parent, child]);
    const edge = edges.get(key) ?? { parent, child, requests: 0, errors: 0, sumUs: 0, maxUs: 0 };
    const weight = weightOf(span);
    edges.set(key, {
      parent,
      child,
      requests: edge.requests + weight,
      errors: edge.errors + (span.status === Status.error ? weight : 0),
      sumUs: edge.sumUs + weight * span.durationUs,
      maxUs: Math.max(edge.maxUs, span.durationUs),
    });
  }
}

/** How many spans this one stands for, whole. */
function weightOf(span: SpanData): number {
  return Math.max(1, Math.round(span.weight));
}

/** The index of the grid's column that counts the span; undefined where the filter leaves it out. */
function columnOf(span: SpanData, filter: RateFilter, starts: readonly number[], stepUs: number): number | undefined {
  if (filter.service !== undefined && span.origin.serviceName !== filter.service) return undefined;
  if (filter.operation !== undefined && span.name !== filter.operation && span.resource !== filter.operation)
    return undefined;
  if (filter.kinds !== undefined && !filter.kinds.includes(span.kind)) return undefined;
  // Traffic is counted by minutes: one belongs to the range when it begins within the range or the range within it.
  const minute = Math.floor(span.startUnixUs / MINUTE_US) * MINUTE_US;
  if (minute < Math.floor(filter.startUnixUs / MINUTE_US) * MINUTE_US || minute >= filter.endUnixUs) return undefined;
  return Math.floor((minute - starts[0]) / stepUs);
}

function pointOf(spans: readonly SpanData[], quantiles: readonly number[]): RatePoint {
  const sorted = [...spans].sort((a, b) => a.durationUs - b.durationUs);
  const requests = sorted.reduce((sum, span) => sum + weightOf(span), 0);
  return {
    requests,
    errors: sorted.reduce((sum, span) => sum + (span.status === Status.error ? weightOf(span) : 0), 0),
    sumUs: sorted.reduce((sum, span) => sum + weightOf(span) * span.durationUs, 0),
    maxUs: sorted.at(-1)?.durationUs ?? 0,
    quantilesUs: quantiles.map((q) => quantileOf(sorted, Math.max(1, Math.ceil(q * requests)))),
  };
}

function quantileOf(sorted: readonly SpanData[], rank: number): number {
  let left = rank;
  for (const span of sorted) {
    left -= weightOf(span);
    if (left <= 0) return span.durationUs;
  }
  return 0;
}
