import type { StoredTrace } from '@forge/storage';
import type { Database } from '../database.ts';
import { decodeSpan, SPAN_SELECT, type SpanRow } from '../decode-span.ts';
import { readFates } from '../keep-log/fates.ts';
import type { Origins } from '../origins.ts';
import { idSecondUs } from '../summary/homes.ts';
import { Bindings, microsecondsOf } from './bindings.ts';

export async function readTrace(
  database: Database,
  origins: Origins,
  traceId: string,
): Promise<StoredTrace | undefined> {
  const place = await findTrace(database, traceId);
  if (place === undefined) return undefined;
  const bind = new Bindings();
  const statement = `
SELECT ${SPAN_SELECT} FROM :"schema".forge_traces
WHERE trace_id = ${bind.add(traceId)} AND start_time >= ${bind.time(place.startUs)} AND start_time <= ${bind.time(place.endUs)}
ORDER BY start_time, span_id`;
  const [rows, fates] = await Promise.all([
    database.reader((sql) => sql.query<SpanRow>(database.text(statement), bind.values, { prepare: true })),
    readFates(database, [traceId]),
  ]);
  if (rows.length === 0) return undefined;
  await origins.load(rows.flatMap((row) => row.origin_id ?? []));
  const spans = rows.map((row) =>
    decodeSpan(row, origins.originOf(row.origin_id, row.service_name, row.node_id), origins.scopeOf(row.origin_id)),
  );
  const fate = fates.get(traceId);
  return { traceId, spans, kept: fate?.kept ?? 'head', gaps: fate?.gaps ?? [] };
}

/** Where a trace's summary is, and from when to when its spans started. */
export interface TracePlace {
  readonly homeUs: number;
  readonly startUs: number;
  readonly endUs: number;
}

/** Looks at the home that the id tells first, then at the one that is remembered for it. */
export async function findTrace(database: Database, traceId: string): Promise<TracePlace | undefined> {
  const second = idSecondUs(traceId);
  if (second !== undefined) {
    const place = await readPlace(database, traceId, second);
    if (place !== undefined) return place;
  }
  const homes = await database.reader((sql) =>
    sql.query<{ home_us: string }>(
      database.text(
        `SELECT ${microsecondsOf('home')} AS home_us FROM :"schema".forge_trace_homes WHERE trace_id = $1::text`,
      ),
      [traceId],
      { prepare: true },
    ),
  );
  const [home] = homes;
  return home === undefined ? undefined : readPlace(database, traceId, Number(home.home_us));
}

async function readPlace(database: Database, traceId: string, homeUs: number): Promise<TracePlace | undefined> {
  const bind = new Bindings();
  const statement = `
SELECT ${microsecondsOf('start_time')} AS start_us, ${microsecondsOf('end_time')} AS end_us
FROM :"schema".forge_trace_summaries
WHERE trace_id = ${bind.add(traceId)} AND home = ${bind.time(homeUs)}`;
  const [row] = await database.reader((sql) =>
    sql.query<{ start_us: string; end_us: string }>(database.text(statement), bind.values, { prepare: true }),
  );
  return row === undefined ? undefined : { homeUs, startUs: Number(row.start_us), endUs: Number(row.end_us) };
}
