import { rateGrid, type RateFilter, type RateGrid } from '@forge/storage';
import type { Database } from '../database.ts';
import { Bindings, microsecondsOf } from '../search/bindings.ts';

const MINUTE_US = 60_000_000;

/** The tables of traffic, finest first, with the time that one row stands for. */
const TABLES = [
  { name: 'forge_traffic_1m', time: 'minute', stepUs: MINUTE_US },
  { name: 'forge_traffic_15m', time: 'bucket', stepUs: 15 * MINUTE_US },
  { name: 'forge_traffic_1h', time: 'bucket', stepUs: 60 * MINUTE_US },
] as const;

/** Counted spans of one time, status and group, with histograms that are to be added up. */
export interface TrafficSums {
  readonly service: string | null;
  readonly operation: string | null;
  readonly resource: string | null;
  readonly atUnixUs: number;
  readonly failed: boolean;
  readonly count: number;
  readonly sumUs: number;
  readonly maxUs: number;
  /** One of each row that was summed up. */
  readonly histograms: readonly Buffer[];
}

/** What groups are told apart. */
export interface TrafficGroups {
  readonly service: boolean;
  readonly operation: boolean;
  readonly resource: boolean;
}

/** The grid for a range: no finer than what is kept of that time. */
export async function gridFor(database: Database, filter: RateFilter, stepUs: number | undefined): Promise<RateGrid> {
  const [oldest] = await database.reader((sql) =>
    sql.query<{ m1: string | null; m15: string | null; h1: string | null }>(database.text(OLDEST), [], {
      prepare: true,
    }),
  );
  // A coarser table that begins in an earlier bucket than the finer one has what that has forgotten.
  let least: number = TABLES[0].stepUs;
  for (const [finer, coarser, bucketUs] of [
    [oldest.m1, oldest.m15, TABLES[1].stepUs],
    [oldest.m15, oldest.h1, TABLES[2].stepUs],
  ] as const) {
    if (coarser === null) continue;
    const finerFromUs = finer === null ? Number.POSITIVE_INFINITY : Math.floor(Number(finer) / bucketUs) * bucketUs;
    if (filter.startUnixUs < finerFromUs && Number(coarser) < finerFromUs) least = bucketUs;
  }
  return rateGrid(filter, stepUs, least);
}

/**
 * The traffic of a range, from the coarsest tables that fit the grid; of times that those do not have yet, or not up to
 * date, from the finest.
 */
export async function readTraffic(
  database: Database,
  filter: RateFilter,
  groups: TrafficGroups,
  grid: RateGrid,
): Promise<TrafficSums[]> {
  if (grid.startsUnixUs.length === 0) return [];
  const fromUs = Math.floor(filter.startUnixUs / MINUTE_US) * MINUTE_US;
  const toUs = Math.ceil(filter.endUnixUs / MINUTE_US) * MINUTE_US;
  const coarse =
    TABLES.findLast((table) => table.stepUs <= grid.stepUs && grid.stepUs % table.stepUs === 0) ?? TABLES[0];
  const pieces =
    coarse === TABLES[0] ? [{ fromUs, toUs, table: TABLES[0] }] : await piecesOf(database, fromUs, toUs, coarse);
  const bind = new Bindings();
  const selects = pieces.map((piece) => selectOf(piece, filter, groups, bind));
  if (selects.length === 0) return [];
  const rows = await database.reader((sql) =>
    sql.query<SumRow>(database.text(selects.join('\nUNION ALL\n')), bind.values),
  );
  return rows.map((row) => ({
    service: row.service,
    operation: row.operation,
    resource: row.resource,
    atUnixUs: Number(row.at_us),
    failed: row.failed,
    count: Number(row.count),
    sumUs: Number(row.sum_us),
    maxUs: Number(row.max_us),
    histograms: row.histograms.split(',').map((hex) => Buffer.from(hex, 'hex')),
  }));
}

interface Piece {
  readonly fromUs: number;
  readonly toUs: number;
  readonly table: (typeof TABLES)[number];
}

/** The range in whole buckets that are up to date (nothing was written since they were summed up), and the rest in minutes. */
async function piecesOf(
  database: Database,
  fromUs: number,
  toUs: number,
  coarse: (typeof TABLES)[number],
): Promise<Piece[]> {
  const { stepUs } = coarse;
  const bind = new Bindings();
  const rows = await database.reader((sql) =>
    sql.query<{ minute_us: string }>(
      database.text(`
SELECT DISTINCT ${microsecondsOf('minute')} AS minute_us FROM :"schema".forge_touched_minutes
WHERE what IN ('traffic', 'hour') AND minute >= ${bind.time(Math.floor(fromUs / stepUs) * stepUs)} AND minute < ${bind.time(toUs)}`),
      bind.values,
    ),
  );
  const touched = new Set(rows.map((row) => Math.floor(Number(row.minute_us) / stepUs)));
  const pieces: Piece[] = [];
  for (let at = Math.floor(fromUs / stepUs) * stepUs; at < toUs; at += stepUs) {
    const whole = at >= fromUs && at + stepUs <= toUs;
    const table = whole && !touched.has(at / stepUs) ? coarse : TABLES[0];
    const last = pieces.at(-1);
    const end = Math.min(at + stepUs, toUs);
    if (last !== undefined && last.table === table) pieces[pieces.length - 1] = { ...last, toUs: end };
    else pieces.push({ fromUs: Math.max(at, fromUs), toUs: end, table });
  }
  return pieces;
}

function selectOf({ fromUs, toUs, table }: Piece, filter: RateFilter, groups: TrafficGroups, bind: Bindings): string {
  const conditions = [`${table.time} >= ${bind.time(fromUs)}`, `${table.time} < ${bind.time(toUs)}`];
  if (filter.service !== undefined) conditions.push(`service_name = ${bind.add(filter.service)}`);
  if (filter.operation !== undefined) {
    const operation = bind.add(filter.operation);
    conditions.push(`(operation_name = ${operation} OR resource = ${operation})`);
  }
  if (filter.kinds !== undefined)
    conditions.push(`kind = ANY (${bind.add(`{${filter.kinds.join(',')}}`, 'integer[]')})`);
  const of = (wanted: boolean, column: string): string => (wanted ? column : 'NULL');
  // A row's histogram is some 50 bytes: one text for all of a group is read ten times quicker than as many rows.
  return `SELECT ${of(groups.service, 'service_name')} AS service, ${of(groups.operation, 'operation_name')} AS operation,
  ${of(groups.resource, 'resource')} AS resource, ${microsecondsOf(table.time)} AS at_us, status = 'error' AS failed,
  sum(count)::text AS count, sum(sum_us)::text AS sum_us, max(max_us)::text AS max_us,
  string_agg(encode(histogram, 'hex'), ',') AS histograms
FROM :"schema".${table.name} WHERE ${conditions.join(' AND ')} GROUP BY 1, 2, 3, ${table.time}, 5`;
}

interface SumRow {
  readonly service: string | null;
  readonly operation: string | null;
  readonly resource: string | null;
  readonly at_us: string;
  readonly failed: boolean;
  readonly count: string;
  readonly sum_us: string;
  readonly max_us: string;
  readonly histograms: string;
}

const OLDEST = `
SELECT (SELECT ${microsecondsOf('min(minute)')} FROM :"schema".forge_traffic_1m) AS m1,
  (SELECT ${microsecondsOf('min(bucket)')} FROM :"schema".forge_traffic_15m) AS m15,
  (SELECT ${microsecondsOf('min(bucket)')} FROM :"schema".forge_traffic_1h) AS h1`;
