import type { Database } from '../database.ts';
import { Bindings } from './bindings.ts';
import { findTrace } from './trace.ts';

/** Deletes a trace's spans, its summary and whatever tells of them. Sums of traffic and names stay. */
export async function deleteTrace(database: Database, traceId: string): Promise<boolean> {
  const place = await findTrace(database, traceId);
  if (place === undefined) return false;
  await database.transaction(async (tx) => {
    const remove = async (table: string, where: (bind: Bindings) => string): Promise<void> => {
      const bind = new Bindings();
      await tx.query(
        database.text(`DELETE FROM :"schema".${table} WHERE trace_id = ${bind.add(traceId)}${where(bind)}`),
        bind.values,
      );
    };
    // The summary first: its row is what a writer of this trace would wait for.
    await remove('forge_trace_summaries', (bind) => ` AND home = ${bind.time(place.homeUs)}`);
    await remove(
      'forge_traces',
      (bind) => ` AND start_time >= ${bind.time(place.startUs)} AND start_time <= ${bind.time(place.endUs)}`,
    );
    for (const table of [
      'forge_wide_traces',
      'forge_trace_homes',
      'forge_trace_keeps',
      'forge_trace_gaps',
      'forge_parked_spans',
    ]) {
      await remove(table, () => '');
    }
    await tx.query(database.text(TOUCH), touchedMinutes(place.startUs, place.endUs));
  });
  return true;
}

/** Edges of these minutes have to be made again. */
function touchedMinutes(startUs: number, endUs: number): string[] {
  return [String(Math.floor(startUs / 60_000_000) * 60), String(Math.floor(endUs / 60_000_000) * 60)];
}

const TOUCH = `
INSERT INTO :"schema".forge_touched_minutes (what, minute, writer)
SELECT 'spans', to_timestamp(second), gen_random_uuid()
FROM generate_series($1::text::bigint, least($2::text::bigint, $1::text::bigint + 86400), 60) AS second`;
