/**
 * Where spans are kept and found again: the contract of a trace store, one in memory, and the definitions (what
 * matches, what a summary is, how pages are cut) that every store shares. `@forge/storage/conformance` tests them.
 *
 * @example
 * const store = createMemoryStore();
 * await store.write(spans);
 * const { traces } = await store.search({ operation: 'create_order', sort: 'longest', limit: 50 });
 *
 * @module
 */
export { checkQuery, checkRange } from './check-query.ts';
export type {
  Heatmap,
  HeatmapQuery,
  OperationName,
  RateDimension,
  RateFilter,
  RatePoint,
  RateQuery,
  RateResult,
  RateSeries,
  ServiceEdge,
  StoredTrace,
  TagValues,
  TagValuesQuery,
  TimeRange,
  TraceGap,
  TracePage,
  TraceQuery,
  TraceReader,
  TraceSort,
  TraceStore,
  TraceSummary,
  TraceWriter,
  WriteResult,
} from './contract.ts';
export { storageError, StorageCode } from './errors.ts';
export { createMemoryStore } from './memory/memory-store.ts';
export { heatRow, heatRowStartUs, rateGrid, wholeHours, wholeMinutes, type RateGrid } from './rate-grid.ts';
export { summarize, type SpanOutline } from './summarize.ts';
export { tagText } from './tag-text.ts';
export { compareTraces, decodeCursor, encodeCursor, sortKey, type TracePosition } from './trace-order.ts';
