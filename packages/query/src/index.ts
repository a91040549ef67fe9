/**
 * The REST API over a trace store, as a web `Request` to `Response` handler that any server can mount.
 *
 * @example
 * const handle = createQueryHandler({ store });
 * const response = await handle(new Request('http://localhost/_api/traces?operation=create_order&min_duration=1000'));
 * const { traces, next_cursor } = await response.json();
 *
 * @module
 */
export type { AccessOptions, Peer } from './access.ts';
export { ColumnFlag, type ColumnsJson, type TraceLogsJson, type TraceMatchesJson } from './columns.ts';
export type { ComparedNodeJson, ComparedSpansJson, ComparedTraceJson, ComparisonJson } from './compare.ts';
export { QueryErrors } from './errors.ts';
export { createQueryHandler, type QueryHandler, type QueryOptions } from './handler.ts';
export type { Problem } from './problem.ts';
export type { EdgeJson, EdgesJson, HeatmapJson, RatePointJson, RateSeriesJson, RatesJson } from './rates.ts';
export type { PageJson, SummaryJson } from './search.ts';
export type { ImportJson } from './transfer-routes.ts';
export type { GapJson, LinkJson, LogJson, RootJson, ServiceJson, SpanJson, TraceJson } from './trace-json.ts';
