import { makeSpan } from '@forge/testing';
import { createTestDatabase, type TestDatabase } from '@forge/testing/postgres';
import { LatencyHistogram, type KeepRow, type TrafficRow } from '@forge/sampling';
import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Database } from '../database.ts';
import { createPostgresStore } from '../store.ts';
import { readFates } from './fates.ts';
import { createPostgresKeepLog, type PostgresKeepLog } from './postgres-keep-log.ts';

const A = '00000000-0000-4000-8000-00000000000a';
const B = '00000000-0000-4000-8000-00000000000b';

let testDatabase: TestDatabase;
let sql: Sql;
let log: PostgresKeepLog;
let other: PostgresKeepLog;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  const store = createPostgresStore({ url: testDatabase.url });
  await store.migrate();
  await store.close();
  sql = postgres(testDatabase.url, { max: 3, onnotice: () => undefined });
  log = createPostgresKeepLog({ url: testDatabase.url, nodeId: A });
  other = createPostgresKeepLog({ url: testDatabase.url, nodeId: B });
});

afterAll(async () => {
  await Promise.all([log.close(), other.close(), sql.end()]);
  await testDatabase.drop();
});

beforeEach(async () => {
  await sql`TRUNCATE forge_trace_keeps, forge_trace_gaps, forge_parked_spans, forge_node_deaths, forge_nodes, forge_traffic_1m`;
});

const id = (n: number): string => n.toString(16).padStart(32, '0');
const keep = (n: number, more: Partial<KeepRow> = {}): KeepRow => ({
  traceId: id(n),
  reason: 'error',
  nodeId: A,
  weight: 1,
  ...more,
});
const gapsOf = async (traceId: string): Promise<string[]> =>
  (await sql<{ reason: string }[]>`SELECT reason FROM forge_trace_gaps WHERE trace_id = ${traceId} ORDER BY 1`).map(
    ({ reason }) => reason,
  );

describe('polling', () => {
  test('hands over what was committed since the last poll, and only that', async () => {
    const first = await other.poll(undefined);
    expect(first.rows).toEqual([]);
    await log.append([keep(1), keep(2, { reason: 'park' })]);
    const second = await other.poll(first.cursor);
    expect(second.rows).toEqual([
      { traceId: id(1), reason: 'error' },
      { traceId: id(2), reason: 'park' },
    ]);
    expect((await other.poll(second.cursor)).rows).toEqual([]);
  });

  test('finds a row whose transaction began before an earlier poll and committed after it', async () => {
    const late = await sql.reserve();
    await late`BEGIN`;
    await late`INSERT INTO forge_trace_keeps (trace_id, reason, node_id) VALUES (${id(1)}, 'error', ${A})`;
    await log.append([keep(2)]);
    const before = await other.poll((await other.poll(undefined)).cursor);
    expect(before.rows).toEqual([]);
    await log.append([keep(3)]);
    const between = await other.poll(before.cursor);
    expect(between.rows).toEqual([{ traceId: id(3), reason: 'error' }]);
    await late`COMMIT`;
    late.release();
    expect((await other.poll(between.cursor)).rows).toEqual([{ traceId: id(1), reason: 'error' }]);
  });

  test('rereads nothing under a long transaction that writes elsewhere', async () => {
    const long = await sql.reserve();
    await long`BEGIN`;
    await long`SELECT pg_current_xact_id()`;
    await log.append([keep(1), keep(2)]);
    const page = await other.poll((await other.poll(undefined)).cursor);
    await log.append([keep(3)]);
    expect((await other.poll(page.cursor)).rows).toEqual([{ traceId: id(3), reason: 'error' }]);
    await long`ROLLBACK`;
    long.release();
  });

  test('uses the index of transactions', async () => {
    await sql`INSERT INTO forge_trace_keeps (trace_id, reason, node_id) SELECT lpad(to_hex(n), 32, '0'), 'error', ${A} FROM generate_series(1, 20000) n`;
    await sql`ANALYZE forge_trace_keeps`;
    const plan = await sql.unsafe(
      `EXPLAIN SELECT trace_id FROM forge_trace_keeps k WHERE k.xid >= (pg_current_xact_id()::text)::xid8 OR k.xid = ANY ('{5,6}'::xid8[])`,
    );
    expect(JSON.stringify(plan)).toContain('forge_trace_keeps_xid');
  });

  test('a row that is sent again stays as it was', async () => {
    await log.append([keep(1)]);
    const { cursor } = await other.poll(undefined);
    await log.append([keep(1, { nodeId: B }), keep(1, { reason: 'slow' })]);
    expect((await other.poll(cursor)).rows).toEqual([{ traceId: id(1), reason: 'slow' }]);
  });
});

describe('nodes', () => {
  test('tell each other that they live and how they fare', async () => {
    await log.heartbeat({ nodeId: A, serviceName: 'gateway', triggersPerSecond: 3 });
    const views = await other.heartbeat({ nodeId: B, serviceName: 'worker', triggersPerSecond: 0 });
    expect(
      views.map(({ nodeId, triggersPerSecond }) => [nodeId, triggersPerSecond]).sort(([a], [b]) => (a < b ? -1 : 1)),
    ).toEqual([
      [A, 3],
      [B, 0],
    ]);
    expect(views[0].silentMs).toBeLessThan(5000);
    await log.leave(A);
    expect(
      (await other.heartbeat({ nodeId: B, serviceName: 'worker', triggersPerSecond: 0 })).map(({ nodeId }) => nodeId),
    ).toEqual([B]);
  });

  test('a death leaves gaps in the traces of its time, once, and in those that are kept soon after', async () => {
    await log.heartbeat({ nodeId: A, serviceName: 'gateway', triggersPerSecond: 0 });
    await log.append([keep(1), keep(2), keep(3, { reason: 'park' })]);
    await sql`UPDATE forge_trace_keeps SET kept_at = now() - interval '10 min' WHERE trace_id = ${id(2)}`;
    await sql`UPDATE forge_nodes SET heartbeat_at = now() - interval '12 s'`;
    const death = { nodeId: A, silentMs: 12_000, heldMs: 20_000 };
    await Promise.all([log.bury(death), other.bury(death)]);
    expect(await gapsOf(id(1))).toEqual(['node_died']);
    expect(await gapsOf(id(2))).toEqual([]);
    expect(await gapsOf(id(3))).toEqual([]);
    expect((await sql`SELECT 1 FROM forge_node_deaths`).length).toBe(1);
    // Kept while the dead node's part may still have been on its way.
    await log.append([keep(4)]);
    expect(await gapsOf(id(4))).toEqual(['node_died']);
    // Parked in that time, kept long after.
    await sql`UPDATE forge_node_deaths SET from_time = from_time - interval '1 h', to_time = to_time - interval '1 h'`;
    await sql`UPDATE forge_trace_keeps SET kept_at = kept_at - interval '1 h'`;
    await log.append([keep(3, { reason: 'job' }), keep(5)]);
    expect(await gapsOf(id(3))).toEqual(['node_died']);
    expect(await gapsOf(id(5))).toEqual([]);
  });

  test('one that was heard of again is not buried', async () => {
    await log.heartbeat({ nodeId: A, serviceName: 'gateway', triggersPerSecond: 0 });
    await other.bury({ nodeId: A, silentMs: 12_000, heldMs: 20_000 });
    expect((await sql`SELECT 1 FROM forge_node_deaths`).length).toBe(0);
  });
});

describe('parking', () => {
  const spans = Uint8Array.from([0, 255, 34, 92, 44]);

  test('lends spans of kept traces to one node at a time, and settles them with their gap', async () => {
    await log.park([
      { traceId: id(1), nodeId: A, spans },
      { traceId: id(1), nodeId: A, spans },
      { traceId: id(2), nodeId: A, spans },
    ]);
    expect(await gapsOf(id(1))).toEqual(['parked']);
    expect(await log.claimParked(10)).toEqual([]);
    await log.append([keep(1, { reason: 'job' })]);
    const claimed = await log.claimParked(10);
    expect(claimed.map(({ traceId, nodeId }) => [traceId, nodeId])).toEqual([
      [id(1), A],
      [id(1), A],
    ]);
    expect(Uint8Array.from(claimed[0].spans)).toEqual(spans);
    expect(await other.claimParked(10)).toEqual([]);
    await log.settleParked([claimed[0].id]);
    expect(await gapsOf(id(1))).toEqual(['parked']);
    await log.settleParked([claimed[1].id]);
    expect(await gapsOf(id(1))).toEqual([]);
    expect((await sql`SELECT trace_id FROM forge_parked_spans`).map((row) => row['trace_id'])).toEqual([id(2)]);
  });

  test('a claim that its node did not settle is lent again', async () => {
    await log.park([{ traceId: id(1), nodeId: A, spans }]);
    await log.append([keep(1)]);
    await log.claimParked(10);
    await sql`UPDATE forge_parked_spans SET lent_until = now() - interval '1 s'`;
    expect((await other.claimParked(10)).length).toBe(1);
  });

  test('expires what nobody kept, and leaves its gap for the case that somebody does', async () => {
    await log.park([
      { traceId: id(1), nodeId: A, spans },
      { traceId: id(2), nodeId: A, spans },
    ]);
    await log.append([keep(2)]);
    await sql`UPDATE forge_parked_spans SET parked_at = now() - interval '2 h'`;
    await log.expireParked(3_600_000);
    expect((await sql`SELECT trace_id FROM forge_parked_spans`).map((row) => row['trace_id'])).toEqual([id(2)]);
    expect(await gapsOf(id(1))).toEqual(['parked']);
  });
});

test('counts of traffic replace their earlier ones, and hold any name', async () => {
  const histogram = new LatencyHistogram();
  for (let us = 1; us <= 100; us++) histogram.add(us * 1000);
  const row: TrafficRow = {
    minuteUnixMs: Date.UTC(2026, 0, 1),
    serviceName: 'gateway',
    name: 'http.request',
    resource: 'GET /\0\ud800"\\',
    kind: 1,
    status: 'ok',
    part: 7,
    count: histogram.count,
    sumUs: histogram.sumUs,
    maxUs: histogram.maxUs,
    histogram: histogram.encode(),
  };
  await log.write([{ ...row, count: 1 }]);
  await log.write([row]);
  const rows = await sql`SELECT * FROM forge_traffic_1m`;
  expect(rows.length).toBe(1);
  expect(rows[0]).toMatchObject({
    resource: 'GET /\uFFFD\uFFFD"\\',
    count: '100',
    node_id: A,
    minute: new Date(row.minuteUnixMs),
  });
  const read = LatencyHistogram.decode(
    rows[0]['histogram'] as Uint8Array,
    Number(rows[0]['sum_us']),
    Number(rows[0]['max_us']),
  );
  expect(read.quantileUs(0.5)).toBe(histogram.quantileUs(0.5));
});

test('tells why a trace is kept and what it lacks', async () => {
  await log.append([keep(1, { reason: 'park' }), keep(2, { reason: 'park' }), keep(2, { reason: 'slow' })]);
  await log.append([keep(2)]);
  await log.gap([{ traceId: id(2), nodeId: B, reason: 'late' }]);
  const database = new Database({
    url: testDatabase.url,
    sql: undefined,
    schema: 'public',
    maxConnections: 3,
    statementTimeoutMs: 5000,
  });
  const fates = await readFates(database, [id(1), id(2), id(3)]);
  await database.close();
  expect(fates.get(id(1))).toEqual({ kept: 'head', gaps: [] });
  expect(fates.get(id(3))).toEqual({ kept: 'head', gaps: [] });
  expect(fates.get(id(2))!.kept).toBe('slow');
  expect(fates.get(id(2))!.gaps).toEqual([{ nodeId: B, reason: 'late', atUnixUs: expect.any(Number) }]);
});

test('a trace and its summary say why it is kept, and what it lacks', async () => {
  const store = createPostgresStore({ url: testDatabase.url });
  await store.write([1, 2, 3].map((n) => makeSpan({ traceId: id(0xabc + n), startUnixUs: Date.now() * 1000 })));
  await log.append([keep(0xabc + 1, { reason: 'slow' }), keep(0xabc + 2, { reason: 'park' })]);
  await log.append([keep(0xabc + 1)]);
  await log.gap([{ traceId: id(0xabc + 1), nodeId: B, reason: 'late' }]);
  const trace = await store.trace(id(0xabc + 1));
  expect([trace!.kept, trace!.gaps.map(({ nodeId, reason }) => [nodeId, reason])]).toEqual(['slow', [[B, 'late']]]);
  expect(await store.trace(id(0xabc + 2))).toMatchObject({ kept: 'head', gaps: [] });
  const found = async (kept: string): Promise<string[]> =>
    (await store.search({ kept, sort: 'newest', limit: 10 })).traces
      .map((one) => one.traceId)
      .sort((a, b) => (a < b ? -1 : 1));
  expect(await found('slow')).toEqual([id(0xabc + 1)]);
  expect(await found('error')).toEqual([]);
  expect(await found('head')).toEqual([id(0xabc + 2), id(0xabc + 3)]);
  await store.close();
});

test('counts with true weights are those of all traffic', async () => {
  const store = createPostgresStore({ url: testDatabase.url });
  const at = { startUnixUs: Date.now() * 1000, name: 'weighed' };
  await store.write([
    makeSpan({ ...at, traceId: id(0xdef1), weight: 10 }),
    makeSpan({ ...at, traceId: id(0xdef2), weight: 10 }),
    makeSpan({ ...at, traceId: id(0xdef3), weight: 1 }),
  ]);
  // Sampled and triggered; triggered in a storm.
  await log.append([keep(0xdef2), keep(0xdef3, { weight: 4 })]);
  await store.close();
  const rows =
    await sql`SELECT sum(true_weight)::float8 AS n FROM forge_weighted_traces WHERE operation_name = 'weighed'`;
  expect(rows[0]['n']).toBe(15);
});

test('a database that is away is a retryable error', async () => {
  const away = createPostgresKeepLog({ url: 'postgres://127.0.0.1:1/none', nodeId: A });
  await expect(away.append([keep(1)])).rejects.toMatchObject({ name: 'ForgeError', retryable: true });
  await away.close();
});
