import type { Database } from '../database.ts';
import { Bindings, microsecondsOf } from '../search/bindings.ts';
import type { Connection } from '../wire/connection.ts';
import { transaction } from '../wire/transaction.ts';
import { runsOf } from './read-edges.ts';
import { edgesOf } from './statements.ts';

/** By then the spans of a minute are there, parents that ended with them included: `LATE_MS` of the writer, and a margin. */
const OVER_MS = 120_000;
const MINUTES_A_ROUND = 60;

/** Makes the edges of all minutes anew that were written to and are over. A minute's are replaced, so repeating it is safe. */
export async function rollEdges(database: Database, connection: Connection): Promise<void> {
  let minutes: number;
  do {
    minutes = await transaction(connection, () => rollSome(database, connection));
  } while (minutes === MINUTES_A_ROUND);
}

async function rollSome(database: Database, connection: Connection): Promise<number> {
  // Waits for writers that hold a minute's row, and then sees their spans: each statement has its own snapshot.
  const taken = await connection.query<{ minute_us: string }>(database.text(TAKE), [OVER_MS, MINUTES_A_ROUND]);
  const minutes = [...new Set(taken.map((row) => Number(row.minute_us)))];
  for (const { fromUs, toUs } of runsOf(minutes)) {
    const bind = new Bindings();
    await connection.query(
      database.text(
        `DELETE FROM :"schema".forge_edges_1m WHERE minute >= ${bind.time(fromUs)} AND minute < ${bind.time(toUs)}`,
      ),
      bind.values,
    );
    const insert = new Bindings();
    await connection.query(
      database.text(`
INSERT INTO :"schema".forge_edges_1m (minute, parent_service, child_service, count, error_count, sum_us, max_us)
${edgesOf(fromUs, toUs, insert)}`),
      insert.values,
    );
  }
  return minutes.length;
}

const TAKE = `
DELETE FROM :"schema".forge_touched_minutes
WHERE what = 'spans' AND minute IN (
  SELECT DISTINCT minute FROM :"schema".forge_touched_minutes
  WHERE what = 'spans' AND minute < now() - interval '1 minute' - $1::text::float8 * interval '1 ms'
  ORDER BY minute LIMIT $2::text::bigint)
RETURNING ${microsecondsOf('minute')} AS minute_us`;
