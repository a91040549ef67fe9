import type { TraceSummary } from '@forge/storage';
import type { Database } from '../database.ts';
import { Bindings, microsecondsOf, textArray } from './bindings.ts';
import type { Candidate } from './candidates.ts';
import { readKept } from './kept.ts';

/** The summaries of matching traces, in their order. Traces that were removed meanwhile are left out. */
export async function readSummaries(
  database: Database,
  found: readonly (Candidate & { readonly longestMatchUs: number })[],
): Promise<TraceSummary[]> {
  if (found.length === 0) return [];
  const ids = found.map((trace) => trace.traceId);
  const bind = new Bindings();
  const statement = `
SELECT s.trace_id, ${microsecondsOf('s.start_time')} AS start_us, s.duration_us::text AS duration_us, s.span_count, s.error_count,
  s.services::text AS services, s.first_span_id, s.first_parent_span_id, s.operation_name, s.resource, s.service_name, s.status
FROM :"schema".forge_trace_summaries AS s
WHERE s.trace_id = ANY (${bind.texts(ids)})
  AND s.home >= ${bind.time(Math.min(...found.map((trace) => trace.homeUs)))}
  AND s.home <= ${bind.time(Math.max(...found.map((trace) => trace.homeUs)))}`;
  const [rows, kept] = await Promise.all([
    database.reader((sql) => sql.query<SummaryRow>(database.text(statement), bind.values)),
    readKept(database, ids),
  ]);
  const roots = await readOtherRoots(database, rows, found);
  const byId = new Map(rows.map((row) => [row.trace_id, row]));
  const summaries: TraceSummary[] = [];
  for (const { traceId, longestMatchUs } of found) {
    const row = byId.get(traceId);
    if (row === undefined) continue;
    const root = roots.get(traceId) ?? row;
    summaries.push({
      traceId,
      root: {
        name: root.operation_name,
        resource: root.resource,
        service: root.service_name,
        status: root.status === 'error' ? 'error' : 'ok',
      },
      startUnixUs: Number(row.start_us),
      durationUs: Number(row.duration_us),
      spans: row.span_count,
      errors: row.error_count,
      services: servicesOf(row.services),
      kept: kept.get(traceId) ?? 'head',
      longestMatchUs,
    });
  }
  return summaries;
}

interface RootColumns {
  readonly operation_name: string;
  readonly resource: string;
  readonly service_name: string;
  readonly status: string;
}

interface SummaryRow extends RootColumns {
  readonly trace_id: string;
  readonly start_us: string;
  readonly duration_us: string;
  readonly span_count: number;
  readonly error_count: number;
  readonly services: string;
  readonly first_span_id: string;
  readonly first_parent_span_id: string | null;
}

function servicesOf(json: string): TraceSummary['services'] {
  return Object.entries(JSON.parse(json) as Record<string, [number, number]>)
    .map(([name, [spans, errors]]) => ({ name, spans, errors }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * The roots that are not their trace's earliest span. That one is the root unless its parent is stored too, which takes
 * clocks that disagree: only then the spans are read.
 */
async function readOtherRoots(
  database: Database,
  rows: readonly SummaryRow[],
  found: readonly Candidate[],
): Promise<Map<string, RootColumns>> {
  const children = rows.filter((row) => row.first_parent_span_id !== null);
  if (children.length === 0) return new Map();
  const extents = new Map(found.map((trace) => [trace.traceId, trace]));
  const startUs = Math.min(...children.map((row) => extents.get(row.trace_id)!.startUs));
  const endUs = Math.max(...children.map((row) => extents.get(row.trace_id)!.endUs));
  const bind = new Bindings();
  const statement = `
SELECT DISTINCT ON (root.trace_id) root.trace_id, root.operation_name, root.resource, root.service_name, root.status
FROM (
  SELECT first.trace_id
  FROM unnest(${bind.add(textArray(children.map((row) => row.trace_id)), 'text[]')}, ${bind.add(textArray(children.map((row) => row.first_parent_span_id!)), 'text[]')})
    AS first (trace_id, parent_span_id)
  JOIN :"schema".forge_traces AS parent ON parent.trace_id = first.trace_id AND parent.span_id = first.parent_span_id
    AND parent.start_time >= ${bind.time(startUs)} AND parent.start_time <= ${bind.time(endUs)}
) AS skewed
JOIN :"schema".forge_traces AS root ON root.trace_id = skewed.trace_id
  AND root.start_time >= ${bind.time(startUs)} AND root.start_time <= ${bind.time(endUs)}
WHERE NOT EXISTS (
  SELECT FROM :"schema".forge_traces AS parent
  WHERE parent.trace_id = root.trace_id AND parent.span_id = root.parent_span_id
    AND parent.start_time >= ${bind.time(startUs)} AND parent.start_time <= ${bind.time(endUs)})
ORDER BY root.trace_id, root.start_time, root.parent_span_id IS NOT NULL, root.span_id`;
  const roots = await database.reader((sql) =>
    sql.query<RootColumns & { readonly trace_id: string }>(database.text(statement), bind.values),
  );
  return new Map(roots.map((row) => [row.trace_id, row]));
}
