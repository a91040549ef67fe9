import type { Database } from '../database.ts';
import type { Bindings } from './bindings.ts';

/** Why traces were kept, by id; those that are missing by the head decision alone. */
export async function readKept(
  _database: Database,
  _traceIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  return new Map();
}

/** The condition on a summary `s` that its trace was kept for this reason. */
export function keptCondition(kept: string, _bind: Bindings): string {
  return kept === 'head' ? 'true' : 'false';
}
