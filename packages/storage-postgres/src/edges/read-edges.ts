import { checkRange, wholeMinutes, type ServiceEdge, type TimeRange } from '@forge/storage';
import type { Database } from '../database.ts';
import { Bindings, microsecondsOf } from '../search/bindings.ts';
import { edgesOf } from './statements.ts';

const MINUTE_US = 60_000_000;

/** From the rollup; of minutes that were written to since it was made, from the spans. */
export async function readEdges(database: Database, range: TimeRange): Promise<ServiceEdge[]> {
  checkRange(range);
  const { startUnixUs, endUnixUs } = wholeMinutes(range);
  const bind = new Bindings();
  const inRange = `minute >= ${bind.time(startUnixUs)} AND minute < ${bind.time(endUnixUs)}`;
  const touched = await database.reader((sql) =>
    sql.query<{ minute_us: string }>(
      database.text(
        `SELECT DISTINCT ${microsecondsOf('minute')} AS minute_us FROM :"schema".forge_touched_minutes WHERE what = 'spans' AND ${inRange}`,
      ),
      bind.values,
    ),
  );
  const runs = runsOf(touched.map((row) => Number(row.minute_us)));
  const stale = runs.map(
    ({ fromUs, toUs }) => `AND NOT (minute >= ${bind.time(fromUs)} AND minute < ${bind.time(toUs)})`,
  );
  const selects = [
    `SELECT parent_service, child_service, count, error_count, sum_us, max_us FROM :"schema".forge_edges_1m WHERE ${inRange} ${stale.join(' ')}`,
    ...runs.map(
      ({ fromUs, toUs }) =>
        `SELECT parent_service, child_service, count, error_count, sum_us, max_us FROM (${edgesOf(fromUs, toUs, bind)}) AS fresh`,
    ),
  ];
  const rows = await database.reader((sql) =>
    sql.query<EdgeRow>(
      database.text(`
SELECT parent_service, child_service, sum(count)::text AS count, sum(error_count)::text AS error_count,
  sum(sum_us)::text AS sum_us, max(max_us)::text AS max_us
FROM (${selects.join('\nUNION ALL\n')}) AS edge
GROUP BY parent_service, child_service`),
      bind.values,
    ),
  );
  return rows
    .map((row) => ({
      parent: row.parent_service,
      child: row.child_service,
      requests: Number(row.count),
      errors: Number(row.error_count),
      sumUs: Number(row.sum_us),
      maxUs: Number(row.max_us),
    }))
    .sort((a, b) => (a.parent === b.parent ? compareText(a.child, b.child) : compareText(a.parent, b.parent)));
}

/** Neighbouring minutes joined. */
export function runsOf(minutes: readonly number[]): { fromUs: number; toUs: number }[] {
  const runs: { fromUs: number; toUs: number }[] = [];
  for (const minute of [...minutes].sort((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last !== undefined && last.toUs === minute) last.toUs += MINUTE_US;
    else runs.push({ fromUs: minute, toUs: minute + MINUTE_US });
  }
  return runs;
}

interface EdgeRow {
  readonly parent_service: string;
  readonly child_service: string;
  readonly count: string;
  readonly error_count: string;
  readonly sum_us: string;
  readonly max_us: string;
}

function compareText(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
