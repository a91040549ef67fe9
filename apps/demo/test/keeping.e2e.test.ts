import { acquireEmbeddedPostgres } from '@forge/embedded-postgres';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ORDERS, placeOrder } from '../src/orders.ts';
import { createCluster, startShop } from './cluster.ts';

const cluster = createCluster({ FORGE_SAMPLE_RATE: '0' });
let url: string;

beforeAll(async () => {
  ({ url } = await startShop(cluster));
});

afterAll(() => cluster.end());

const [good, declined, slow] = ORDERS;

async function send(body: object): Promise<void> {
  const headers = { 'content-type': 'application/json', authorization: 'Bearer user-5' };
  await (await fetch(`${url}/api/orders`, { method: 'POST', headers, body: JSON.stringify(body) })).text();
}

it('keeps a failed and a slow order whole, across both processes, at a sample rate of 0, and nothing else', async () => {
  for (let i = 0; i < 5; i++) await send(good.body);
  const whole = (trace: { spans: readonly { service_name: string }[] }, gateway: number, worker: number): boolean =>
    trace.spans.filter((span) => span.service_name === 'gateway').length === gateway &&
    trace.spans.filter((span) => span.service_name === 'function-executor').length === worker;

  const failed = await placeOrder(url, { ...declined, complete: (trace) => whole(trace, 3, 4) });
  expect(failed.kept).toBe('error');
  expect(failed.gaps).toEqual([]);

  const late = await placeOrder(url, { ...slow, complete: (trace) => whole(trace, 3, 7) });
  expect(late.kept).toBe('slow');
  expect(late.gaps).toEqual([]);

  const database = await acquireEmbeddedPostgres({ dataDir: `${cluster.dataDir}/postgres` });
  const sql = postgres(database.url, { max: 1 });
  const stored = await sql`SELECT DISTINCT trace_id FROM forge_traces`;
  await sql.end();
  await database.release();
  expect(stored.map((row) => row['trace_id'] as string).toSorted()).toEqual(
    [failed.trace_id, late.trace_id].toSorted(),
  );
});
