import { acquireEmbeddedPostgres, type EmbeddedPostgres } from '@forge/embedded-postgres';
import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ORDERS, placeOrder } from '../src/orders.ts';
import { freePort, type App } from '../src/processes.ts';
import { differences } from '../src/reference-trace.ts';
import { createCluster, paymentUrl, startShop, until } from './cluster.ts';

const cluster = createCluster();
let url: string;
let payment: App;
let database: EmbeddedPostgres;
let sql: Sql;

beforeAll(async () => {
  ({ url, payment } = await startShop(cluster));
  database = await acquireEmbeddedPostgres({ dataDir: `${cluster.dataDir}/postgres` });
  sql = postgres(database.url, { max: 1, onnotice: () => undefined });
});

afterAll(async () => {
  await sql?.end();
  await database?.release();
  await cluster.end();
});

const [good, declined, slow] = ORDERS;

async function order(headers: Record<string, string> = {}, base = url): Promise<Response> {
  return fetch(`${base}/api/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer user-123', ...headers },
    body: JSON.stringify({ item: 'tea', amount: 1250 }),
  });
}

describe('one POST /api/orders', () => {
  it('leaves the reference trace, whole, across two processes', async () => {
    expect(differences(await placeOrder(url, good))).toEqual([]);
  });

  it('marks where a declined order failed, with the message and the exception in the logs', async () => {
    const trace = await placeOrder(url, declined);
    const failed = trace.spans.filter((span) => span.status === 'error');
    expect(failed.map((span) => [span.operation_name, span.service_name, span.status_message])).toEqual([
      ['grpc.call', 'gateway', expect.stringContaining('the card was declined')],
      ['function.execute', 'function-executor', 'the card was declined'],
      ['http.client', 'function-executor', expect.stringContaining('402')],
    ]);
    const execute = failed.find((span) => span.operation_name === 'function.execute')!;
    expect(execute.logs[0]).toMatchObject({
      name: 'exception',
      attributes: { 'exception.type': 'PaymentDeclined', 'exception.message': 'the card was declined' },
    });
    expect(trace.spans.some((span) => span.operation_name === 'job.dispatch')).toBe(false);
  });

  it('shows where a slow order spent its time', async () => {
    const trace = await placeOrder(url, slow);
    const client = trace.spans.find((span) => span.operation_name === 'http.client')!;
    expect(client.duration_ms).toBeGreaterThanOrEqual(1300);
    expect(trace.duration_ms).toBeGreaterThanOrEqual(client.duration_ms);
  });

  it('continues the trace of its caller, and hands it on with forge first and other members kept', async () => {
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    const answer = await order({ traceparent: `00-${traceId}-00f067aa0ba902b7-01`, tracestate: 'other=1' });
    expect(answer.status).toBe(201);
    const seen = (await (await fetch(`${paymentUrl(payment)}/headers`)).json()) as Record<string, string>;
    expect(seen['traceparent']).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-0[0-3]$`));
    expect(seen['tracestate']).toMatch(/^forge=[^,]+(,ot=[^,]+)?,other=1$/);
    await until(
      'the whole trace is stored',
      async () => (await sql`SELECT 1 FROM forge_traces WHERE trace_id = ${traceId}`).length === 10,
    );
    const [root] =
      await sql`SELECT parent_span_id FROM forge_traces WHERE trace_id = ${traceId} AND operation_name = 'http.request'`;
    expect(root).toEqual({ parent_span_id: '00f067aa0ba902b7' });
  });

  it('is served by two gateways and two workers on one database and one queue', async () => {
    const address = `127.0.0.1:${await freePort()}`;
    await cluster.start('worker', { WORKER_ADDRESS: address, PAYMENT_URL: paymentUrl(payment) });
    const second = await cluster.start('gateway', { GATEWAY_PORT: '0', WORKER_URL: address });
    const traces = [];
    for (const base of [url, String(second.ready['url']), url]) traces.push(await placeOrder(base, good));
    const gateways = traces.map((trace) => trace.spans.find((span) => span.service_name === 'gateway')!.node_id);
    expect(new Set(gateways).size).toBe(2);
    for (const trace of traces) expect(trace.spans).toHaveLength(10);
  });
});

describe('plain SQL', () => {
  it('gives all spans of a trace by start_time', async () => {
    const { trace_id } = await placeOrder(url, good);
    const rows = await sql.unsafe(`
      SELECT
          span_id,
          parent_span_id,
          operation_name,
          start_time,
          duration_ms,
          status,
          tags
      FROM forge_traces
      WHERE trace_id = '${trace_id}'
      ORDER BY start_time;`);
    expect(rows).toHaveLength(10);
    expect(rows[0]).toMatchObject({
      operation_name: 'http.request',
      parent_span_id: null,
      status: 'ok',
      tags: { method: 'POST', path: '/api/orders', status: 201 },
    });
  });

  it('finds slow traces of the last hour', async () => {
    const { trace_id } = await placeOrder(url, slow);
    const rows = await sql.unsafe(`
      SELECT
          trace_id,
          max(duration_ms) as total_duration
      FROM forge_traces
      WHERE start_time > NOW() - INTERVAL '1 hour'
        AND operation_name = 'http.request'
      GROUP BY trace_id
      HAVING max(duration_ms) > 1000
      ORDER BY total_duration DESC;`);
    expect(rows.map((row) => row['trace_id'] as string)).toContain(trace_id);
    for (const row of rows) expect(row['total_duration']).toBeGreaterThan(1000);
  });

  it('finds traces with errors', async () => {
    const { trace_id } = await placeOrder(url, declined);
    const rows = await sql.unsafe(`
      SELECT DISTINCT trace_id
      FROM forge_traces
      WHERE status = 'error'
        AND start_time > NOW() - INTERVAL '1 hour';`);
    expect(rows.map((row) => row['trace_id'] as string)).toContain(trace_id);
  });
});

describe('the API', () => {
  it('finds a function by its name and a least duration, as the specification writes it', async () => {
    await placeOrder(url, slow);
    const answer = await fetch(`${url}/_api/traces?operation=create_order&min_duration=1000&limit=50`);
    const { traces } = (await answer.json()) as { traces: { duration_ms: number }[] };
    expect(traces.length).toBeGreaterThan(0);
    for (const trace of traces) expect(trace.duration_ms).toBeGreaterThanOrEqual(1000);
  });
});
