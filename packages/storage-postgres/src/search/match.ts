import type { TraceQuery } from '@forge/storage';
import type { Database } from '../database.ts';
import { Bindings } from './bindings.ts';
import type { Candidate } from './candidates.ts';
import { spanConditions } from './span-conditions.ts';

/**
 * Which candidates match, with the duration of their longest matching span, by looking at their spans. Those whose
 * summary already says so are not looked at.
 */
export async function longestMatches(
  database: Database,
  query: TraceQuery,
  candidates: readonly Candidate[],
): Promise<Map<string, number>> {
  const matches = new Map<string, number>();
  const open: Candidate[] = [];
  for (const candidate of candidates) {
    if (asksForTimeOnly(query) && isWithin(candidate, query)) matches.set(candidate.traceId, candidate.longestSpanUs);
    else open.push(candidate);
  }
  if (open.length === 0) return matches;
  const bind = new Bindings();
  const conditions = [
    `t.trace_id = ANY (${bind.texts(open.map((candidate) => candidate.traceId))})`,
    `t.start_time >= ${bind.time(open.reduce((low, { startUs }) => Math.min(low, startUs), Number.POSITIVE_INFINITY))}`,
    `t.start_time <= ${bind.time(open.reduce((high, { endUs }) => Math.max(high, endUs), 0))}`,
    ...spanConditions(query, bind),
  ];
  const statement = `
SELECT t.trace_id, max(t.duration_us)::text AS longest_us
FROM :"schema".forge_traces AS t
WHERE ${conditions.join('\n  AND ')}
GROUP BY t.trace_id`;
  const rows = await database.reader((sql) =>
    sql.query<{ trace_id: string; longest_us: string }>(database.text(statement), bind.values),
  );
  for (const row of rows) matches.set(row.trace_id, Number(row.longest_us));
  return matches;
}

/** Whether a query has no condition on spans but when they started. */
export function asksForTimeOnly(query: TraceQuery): boolean {
  const { operation, service, minDurationUs, maxDurationUs, status, tags, text } = query;
  return (
    operation === undefined &&
    service === undefined &&
    minDurationUs === undefined &&
    maxDurationUs === undefined &&
    status === undefined &&
    text === undefined &&
    (tags === undefined || tags.length === 0)
  );
}

function isWithin(candidate: Candidate, { startUnixUs, endUnixUs }: TraceQuery): boolean {
  return (
    (startUnixUs === undefined || candidate.startUs >= startUnixUs) &&
    (endUnixUs === undefined || candidate.endUs < endUnixUs)
  );
}
