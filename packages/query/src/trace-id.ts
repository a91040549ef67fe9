import type { StoredTrace, TraceStore } from '@forge/storage';
import { QueryErrors } from './errors.ts';
import { invalidParameter, ProblemError } from './problem.ts';

/** @throws ProblemError unless it is 32 or 16 hex digits, not all zero */
export function readTraceId(text: string, parameter = 'id'): string {
  const id = text.toLowerCase();
  if (!/^(?:[0-9a-f]{32}|[0-9a-f]{16})$/.test(id) || /^0+$/.test(id))
    throw invalidParameter(parameter, text, '32 hexadecimal digits (or 16 of an old client), not all zero');
  return id;
}

/** @throws ProblemError unless it is 16 hex digits, not all zero */
export function readSpanId(text: string): string {
  const id = text.toLowerCase();
  if (!/^[0-9a-f]{16}$/.test(id) || /^0+$/.test(id))
    throw invalidParameter('spanId', text, '16 hexadecimal digits, not all zero');
  return id;
}

/**
 * A stored trace. An id of 16 digits also finds the same id with zeros before it, and the other way round: clients
 * with 64-bit ids and gateways that widen them write either.
 * @throws ProblemError 404, with what may be the reason
 */
export async function findTrace(store: TraceStore, id: string, retention: string | undefined): Promise<StoredTrace> {
  const found = (await store.trace(id)) ?? (await findOtherWidth(store, id));
  if (found !== undefined) return found;
  const kept =
    retention === undefined ? 'older than the retention time' : `older than ${retention} (the retention time)`;
  throw new ProblemError(
    404,
    QueryErrors.notFound,
    `no trace ${id} is stored: it may be not yet written (about a second), not sampled, or ${kept}`,
  );
}

async function findOtherWidth(store: TraceStore, id: string): Promise<StoredTrace | undefined> {
  if (id.length === 16) return store.trace(id.padStart(32, '0'));
  return /^0{16}/.test(id) ? store.trace(id.slice(16)) : undefined;
}
