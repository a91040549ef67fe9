import type { TraceQuery, TraceSort, TraceSummary } from './contract.ts';
import { storageError, StorageCode } from './errors.ts';

/** The place of a trace in a sort: descending by key, then descending by trace id. */
export interface TracePosition {
  readonly key: number;
  readonly traceId: string;
}

/** The number that a sort goes by. */
export function sortKey(sort: TraceSort, summary: TraceSummary): number {
  switch (sort) {
    case 'newest':
      return summary.startUnixUs;
    case 'longest':
      return summary.durationUs;
    case 'longest_span':
      return summary.longestMatchUs;
    case 'most_errors':
      return summary.errors;
    case 'most_spans':
      return summary.spans;
  }
}

/** Negative where `a` comes before `b`. */
export function compareTraces(a: TracePosition, b: TracePosition): number {
  if (a.key !== b.key) return b.key - a.key;
  return a.traceId === b.traceId ? 0 : a.traceId > b.traceId ? -1 : 1;
}

/** An opaque text for `position`, good for the same sort only. */
export function encodeCursor(sort: TraceSort, position: TracePosition): string {
  return Buffer.from(JSON.stringify([sort, position.key, position.traceId])).toString('base64url');
}

/** The position after which a query's page starts; undefined for the first page. Throws FORGE_STORAGE_CURSOR_INVALID. */
export function decodeCursor(query: TraceQuery): TracePosition | undefined {
  if (query.cursor === undefined) return undefined;
  let decoded: unknown;
  try {
    decoded = JSON.parse(Buffer.from(query.cursor, 'base64url').toString());
  } catch {
    decoded = undefined;
  }
  if (Array.isArray(decoded) && decoded.length === 3) {
    const [sort, key, traceId] = decoded as unknown[];
    if (
      sort === query.sort &&
      Number.isSafeInteger(key) &&
      typeof traceId === 'string' &&
      /^[0-9a-f]{1,32}$/.test(traceId)
    ) {
      return { key: key as number, traceId };
    }
  }
  throw storageError(
    StorageCode.cursorInvalid,
    `cursor: not one of this query; use the "next" of its page before, with the same sort`,
  );
}
