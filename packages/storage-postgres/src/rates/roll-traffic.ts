import type { Database } from '../database.ts';
import { Bindings, microsecondsOf } from '../search/bindings.ts';
import type { Connection } from '../wire/connection.ts';
import { transaction } from '../wire/transaction.ts';
import { DurationBuckets } from './duration-buckets.ts';

const MINUTE_US = 60_000_000;
/** Nodes write their counts every few seconds; what comes later than this makes a bucket anew. */
const OVER_MS = 60_000;
const BUCKETS_A_ROUND = 16;

/** One step from a finer table to a coarser one. */
interface Step {
  /** What forge_touched_minutes calls that which is to be summed up. */
  readonly what: 'traffic' | 'hour';
  readonly from: string;
  readonly fromTime: string;
  readonly to: string;
  readonly bucketUs: number;
}

const STEPS: readonly Step[] = [
  { what: 'traffic', from: 'forge_traffic_1m', fromTime: 'minute', to: 'forge_traffic_15m', bucketUs: 15 * MINUTE_US },
  { what: 'hour', from: 'forge_traffic_15m', fromTime: 'bucket', to: 'forge_traffic_1h', bucketUs: 60 * MINUTE_US },
];

/** Sums up traffic over 15 minutes and hours: all buckets that were written to and are over. They are replaced whole. */
export async function rollTraffic(database: Database, connection: Connection): Promise<void> {
  for (const step of STEPS) {
    let buckets: number;
    do {
      buckets = await transaction(connection, () => rollSome(database, connection, step));
    } while (buckets === BUCKETS_A_ROUND);
  }
}

async function rollSome(database: Database, connection: Connection, step: Step): Promise<number> {
  const seconds = step.bucketUs / 1_000_000;
  const taken = await connection.query<{ bucket_us: string }>(database.text(TAKE), [
    step.what,
    seconds,
    OVER_MS,
    BUCKETS_A_ROUND,
  ]);
  const buckets = [...new Set(taken.map((row) => Number(row.bucket_us)))];
  for (const bucketUs of buckets) await rollBucket(database, connection, step, bucketUs);
  if (step.what === 'traffic' && buckets.length > 0) {
    const hours = [...new Set(buckets.map((bucketUs) => Math.floor(bucketUs / (60 * MINUTE_US)) * 3600))];
    await connection.query(database.text(TOUCH_HOURS), [`{${hours.join(',')}}`]);
  }
  return buckets.length;
}

async function rollBucket(database: Database, connection: Connection, step: Step, bucketUs: number): Promise<void> {
  const bind = new Bindings();
  const rows = await connection.query<SourceRow>(
    database.text(`
SELECT service_name, operation_name, resource, kind, status, count::text, sum_us::text, max_us::text, histogram
FROM :"schema".${step.from}
WHERE ${step.fromTime} >= ${bind.time(bucketUs)} AND ${step.fromTime} < ${bind.time(bucketUs + step.bucketUs)}`),
    bind.values,
  );
  const sums = new Map<string, { row: SourceRow; buckets: DurationBuckets }>();
  for (const row of rows) {
    const key = JSON.stringify([row.service_name, row.operation_name, row.resource, row.kind, row.status]);
    let sum = sums.get(key);
    if (sum === undefined) sums.set(key, (sum = { row, buckets: new DurationBuckets() }));
    sum.buckets.addEncoded(row.histogram, Number(row.count), Number(row.sum_us), Number(row.max_us));
  }
  const json = [...sums.values()].map(({ row, buckets }) => ({
    service: row.service_name,
    name: row.operation_name,
    resource: row.resource,
    kind: row.kind,
    status: row.status,
    count: buckets.count,
    sum_us: buckets.sumUs,
    max_us: buckets.maxUs,
    histogram: Buffer.from(buckets.encode()).toString('hex'),
  }));
  const at = bucketUs / 1_000_000;
  await connection.query(
    database.text(`DELETE FROM :"schema".${step.to} WHERE bucket = to_timestamp($1::text::float8)`),
    [at],
  );
  await connection.query(database.text(insertInto(step.to)), [at, JSON.stringify(json)]);
}

interface SourceRow {
  readonly service_name: string;
  readonly operation_name: string;
  readonly resource: string;
  readonly kind: number;
  readonly status: string;
  readonly count: string;
  readonly sum_us: string;
  readonly max_us: string;
  readonly histogram: Buffer;
}

const BUCKET = `to_timestamp(floor(extract(epoch FROM minute) / $2::text::float8) * $2::text::float8)`;

// $1: what, $2: the bucket's seconds, $3: how long it must be over, ms, $4: how many buckets.
const TAKE = `
DELETE FROM :"schema".forge_touched_minutes
WHERE what = $1::text AND ${BUCKET} IN (
  SELECT DISTINCT ${BUCKET} AS bucket FROM :"schema".forge_touched_minutes
  WHERE what = $1::text
    AND ${BUCKET} < now() - $2::text::float8 * interval '1 second' - $3::text::float8 * interval '1 ms'
  ORDER BY bucket LIMIT $4::text::bigint)
RETURNING ${microsecondsOf(BUCKET)} AS bucket_us`;

const TOUCH_HOURS = `
INSERT INTO :"schema".forge_touched_minutes (what, minute, writer)
SELECT 'hour', to_timestamp(second), '00000000-0000-0000-0000-000000000000' FROM unnest($1::text::float8[]) AS second
ON CONFLICT DO NOTHING`;

const insertInto = (table: string): string => `
INSERT INTO :"schema".${table}
  (bucket, service_name, operation_name, resource, kind, status, count, sum_us, max_us, histogram)
SELECT to_timestamp($1::text::float8), service, name, resource, kind, status, count, sum_us, max_us, decode(histogram, 'hex')
FROM jsonb_to_recordset($2::text::jsonb) AS r (service text, name text, resource text, kind smallint, status text,
  count bigint, sum_us bigint, max_us bigint, histogram text)`;
