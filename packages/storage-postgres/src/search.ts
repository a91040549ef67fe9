import { Status } from '@forge/core';
import {
  checkQuery,
  decodeCursor,
  encodeCursor,
  sortKey,
  summarize,
  type SpanOutline,
  type TracePage,
  type TraceQuery,
  type TraceSort,
} from '@forge/storage';
import type { Database } from './database.ts';
import { Bindings, spanConditions } from './span-filter.ts';

const KEY: Readonly<Record<TraceSort, string>> = {
  newest: '(extract(epoch FROM min(t.start_time)) * 1000000)::bigint',
  longest: `(extract(epoch FROM max(t.start_time + t.duration_us * interval '1 microsecond') - min(t.start_time)) * 1000000)::bigint`,
  longest_span: 'max(matched.longest_us)',
  most_errors: `count(*) FILTER (WHERE t.status = 'error')`,
  most_spans: 'count(*)',
};

export async function search(database: Database, query: TraceQuery): Promise<TracePage> {
  checkQuery(query);
  const after = decodeCursor(query);
  const bind = new Bindings();
  const conditions = spanConditions(query, bind);
  const kept = query.kept === undefined || query.kept === 'head' ? '' : 'AND false';
  const statement = `
WITH matched AS (
  SELECT t.trace_id, max(t.duration_us) AS longest_us FROM :"schema".forge_traces AS t
  WHERE true ${conditions.map((condition) => `AND ${condition}`).join(' ')} ${kept}
  GROUP BY t.trace_id
), placed AS (
  SELECT t.trace_id, ${KEY[query.sort]} AS key, max(matched.longest_us) AS longest_us
  FROM matched JOIN :"schema".forge_traces AS t USING (trace_id)
  GROUP BY t.trace_id
)
SELECT trace_id, longest_us::text FROM placed
${after === undefined ? '' : `WHERE (key, trace_id) < (${bind.add(after.key, 'bigint')}, ${bind.add(after.traceId)} COLLATE "C")`}
ORDER BY key DESC, trace_id DESC LIMIT ${bind.add(query.limit + 1, 'bigint')}`;
  const found = await database.reader((sql) =>
    sql.unsafe<{ trace_id: string; longest_us: string }[]>(database.text(statement), bind.values),
  );
  const shown = found.slice(0, query.limit);
  const outlines = await readOutlines(
    database,
    shown.map((row) => row.trace_id),
  );
  const traces = shown.map((row) =>
    summarize(row.trace_id, outlines.get(row.trace_id) ?? [], 'head', Number(row.longest_us)),
  );
  const last = traces.at(-1);
  const next =
    found.length > shown.length && last !== undefined
      ? encodeCursor(query.sort, { key: sortKey(query.sort, last), traceId: last.traceId })
      : undefined;
  return { traces, next };
}

interface OutlineRow {
  readonly trace_id: string;
  readonly span_id: string;
  readonly parent_span_id: string | null;
  readonly operation_name: string;
  readonly resource: string;
  readonly service_name: string;
  readonly status: string;
  readonly start_us: string;
  readonly duration_us: string;
}

async function readOutlines(database: Database, traceIds: readonly string[]): Promise<Map<string, SpanOutline[]>> {
  const outlines = new Map<string, SpanOutline[]>();
  if (traceIds.length === 0) return outlines;
  const rows = await database.reader((sql) =>
    sql.unsafe<OutlineRow[]>(database.text(OUTLINES), [`{${traceIds.join(',')}}`], { prepare: true }),
  );
  for (const row of rows) {
    let spans = outlines.get(row.trace_id);
    if (spans === undefined) outlines.set(row.trace_id, (spans = []));
    spans.push({
      spanId: row.span_id,
      parentSpanId: row.parent_span_id ?? undefined,
      name: row.operation_name,
      resource: row.resource,
      service: row.service_name,
      status: row.status === 'error' ? Status.error : Status.unset,
      startUnixUs: Number(row.start_us),
      durationUs: Number(row.duration_us),
    });
  }
  return outlines;
}

const OUTLINES = `
SELECT trace_id, span_id, parent_span_id, operation_name, resource, service_name, status,
  (extract(epoch FROM start_time) * 1000000)::bigint::text AS start_us, duration_us::text
FROM :"schema".forge_traces
WHERE trace_id = ANY ($1::text::text[])`;
