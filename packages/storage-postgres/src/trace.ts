import type { StoredTrace } from '@forge/storage';
import type { Database } from './database.ts';
import { decodeSpan, SPAN_SELECT, type SpanRow } from './decode-span.ts';
import type { Origins } from './origins.ts';

export async function readTrace(
  database: Database,
  origins: Origins,
  traceId: string,
): Promise<StoredTrace | undefined> {
  const rows = await database.reader((sql) =>
    sql.unsafe<SpanRow[]>(database.text(SELECT), [traceId], { prepare: true }),
  );
  if (rows.length === 0) return undefined;
  await origins.load(rows.flatMap((row) => row.origin_id ?? []));
  const spans = rows.map((row) =>
    decodeSpan(row, origins.originOf(row.origin_id, row.service_name, row.node_id), origins.scopeOf(row.origin_id)),
  );
  return { traceId, spans, kept: 'head', gaps: [] };
}

const SELECT = `SELECT ${SPAN_SELECT} FROM :"schema".forge_traces WHERE trace_id = $1::text ORDER BY start_time, span_id`;
