import type { Database } from '../database.ts';
import { readFates } from '../keep-log/fates.ts';
import type { Bindings } from './bindings.ts';

/** Why traces were kept, by id; those that are missing by the head decision alone. */
export async function readKept(database: Database, traceIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const fates = await readFates(database, traceIds);
  return new Map([...fates].map(([traceId, { kept }]) => [traceId, kept]));
}

/** The condition on a summary `s` that its trace was kept for this reason: the first that any node gave. */
export function keptCondition(kept: string, bind: Bindings): string {
  const keeps = `FROM :"schema".forge_trace_keeps AS k WHERE k.trace_id = s.trace_id AND k.reason <> 'park'`;
  return kept === 'head'
    ? `NOT EXISTS (SELECT 1 ${keeps})`
    : `(SELECT k.reason ${keeps} ORDER BY k.kept_at LIMIT 1) = ${bind.add(kept)}`;
}
