import type { TimeRange, TraceQuery } from './contract.ts';
import { storageError, StorageCode } from './errors.ts';

const SORTS: readonly string[] = ['newest', 'longest', 'longest_span', 'most_errors', 'most_spans'];

/** Throws FORGE_STORAGE_QUERY_INVALID naming the value and what is allowed. */
export function checkQuery(query: TraceQuery): void {
  if (!Number.isInteger(query.limit) || query.limit < 1 || query.limit > 1000)
    refuse('limit', query.limit, 'a whole number from 1 to 1000');
  if (!SORTS.includes(query.sort)) refuse('sort', query.sort, SORTS.join(', '));
  if (query.status !== undefined && query.status !== 'ok' && query.status !== 'error')
    refuse('status', query.status, 'ok, error');
  for (const name of ['minDurationUs', 'maxDurationUs', 'startUnixUs', 'endUnixUs'] as const) {
    const value = query[name];
    if (value !== undefined && !Number.isSafeInteger(value)) refuse(name, value, 'whole microseconds');
  }
}

/** Throws FORGE_STORAGE_QUERY_INVALID where a bound is not in whole microseconds. */
export function checkRange(range: TimeRange): void {
  if (!Number.isSafeInteger(range.startUnixUs)) refuse('startUnixUs', range.startUnixUs, 'whole microseconds');
  if (!Number.isSafeInteger(range.endUnixUs)) refuse('endUnixUs', range.endUnixUs, 'whole microseconds');
}

function refuse(name: string, value: unknown, allowed: string): never {
  throw storageError(StorageCode.queryInvalid, `${name}: ${JSON.stringify(value)} is not allowed; expected ${allowed}`);
}
