import type { TraceGap } from '@forge/storage';
import type { Database } from '../database.ts';
import { FATES } from './statements.ts';

/** What the keep log says of a trace. */
export interface TraceFate {
  /** Why it is kept: error, slow, forced, job, peer; `head` where no node gave a reason. */
  readonly kept: string;
  /** What is known to be missing. */
  readonly gaps: readonly TraceGap[];
}

/** The fates of these traces, by their ids. */
export async function readFates(database: Database, traceIds: readonly string[]): Promise<Map<string, TraceFate>> {
  const rows = await database.reader((sql) =>
    sql.query<{ trace_id: string; kept: string | null; gaps: TraceGap[] | null }>(
      database.text(FATES),
      [`{${traceIds.map((id) => `"${id}"`).join(',')}}`],
      { prepare: true },
    ),
  );
  return new Map(rows.map((row) => [row.trace_id, { kept: row.kept ?? 'head', gaps: row.gaps ?? [] }]));
}
