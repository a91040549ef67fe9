import { createHash } from 'node:crypto';
import { invalidParameter } from './problem.ts';

/** Where a search goes on, with the times that its first page fixed. */
export interface OpenedCursor {
  readonly storeCursor: string;
  readonly startUnixUs: number | undefined;
  readonly endUnixUs: number | undefined;
}

const ALLOWED = 'next_cursor of the page before, with the other parameters unchanged';

/** The cursor as callers see it: opaque, bound to the search's other parameters. */
export function sealCursor(cursor: OpenedCursor, parameters: URLSearchParams): string {
  const { storeCursor, startUnixUs, endUnixUs } = cursor;
  const content = [storeCursor, startUnixUs ?? null, endUnixUs ?? null, fingerprint(parameters)];
  return Buffer.from(JSON.stringify(content)).toString('base64url');
}

/** @throws ProblemError when it is none, or one of another search */
export function openCursor(sealed: string, parameters: URLSearchParams): OpenedCursor {
  try {
    const content: unknown = JSON.parse(Buffer.from(sealed, 'base64url').toString());
    if (Array.isArray(content) && content.length === 4) {
      const [storeCursor, start, end, print] = content as unknown[];
      if (typeof storeCursor === 'string' && isTime(start) && isTime(end) && print === fingerprint(parameters))
        return { storeCursor, startUnixUs: start ?? undefined, endUnixUs: end ?? undefined };
    }
  } catch {
    // Not JSON: answered below like any other wrong cursor.
  }
  throw invalidParameter('cursor', sealed, ALLOWED);
}

function isTime(value: unknown): value is number | null {
  return value === null || (Number.isSafeInteger(value) && (value as number) >= 0);
}

/** Of all that decides which traces match, and in which order: all but the page's size and place. */
function fingerprint(parameters: URLSearchParams): string {
  const asked = [...parameters]
    .filter(([name]) => name !== 'cursor' && name !== 'limit')
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return createHash('sha256').update(JSON.stringify(asked)).digest('base64url').slice(0, 12);
}
