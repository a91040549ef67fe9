import { Status } from '@forge/core';
import { decodeJaegerJson, decodeOtlpJson } from '@forge/formats';
import { makeSpan } from '@forge/testing';
import { describe, expect, it } from 'vitest';
import { storeOf } from '../test/store-of.ts';
import { createQueryHandler } from './handler.ts';
import { goDurationUs } from './jaeger-parameters.ts';

const NOW_US = Date.UTC(2026, 0, 1, 12) * 1000;
const origin = (serviceName: string) => ({ serviceName, nodeId: undefined, attributes: [] });
const root = makeSpan({
  traceId: '0af7651916cd43dd8448eb211c80319c',
  resource: 'POST /api/orders',
  startUnixUs: NOW_US - 5e6,
  durationUs: 1_500_000,
  kind: 1,
  attributes: ['http.status_code', 201],
  origin: origin('gateway'),
});
const child = makeSpan({
  traceId: root.traceId,
  parentSpanId: root.spanId,
  name: 'db.query',
  resource: 'INSERT orders',
  startUnixUs: NOW_US - 4e6,
  durationUs: 900,
  status: Status.error,
  origin: origin('worker'),
});
const other = makeSpan({ startUnixUs: NOW_US - 3e6, durationUs: 100, origin: origin('worker') });
const handler = createQueryHandler({ store: await storeOf([root, child, other]), nowMs: () => NOW_US / 1000 });

async function get(path: string): Promise<{ status: number; body: Record<string, never> }> {
  const response = await handler(new Request(`http://localhost/_api/jaeger/api${path}`));
  return { status: response.status, body: (await response.json()) as Record<string, never> };
}

/** Trace ids of a v1 search. */
async function found(query: string): Promise<string[]> {
  const { status, body } = await get(`/traces?${query}`);
  expect(status).toBe(200);
  return (body['data'] as { traceID: string }[]).map((trace) => trace.traceID);
}

describe('v1, as Jaeger’s UI and Grafana call it', () => {
  it('names services and operations', async () => {
    expect((await get('/services')).body).toEqual({
      data: ['gateway', 'worker'],
      total: 2,
      limit: 0,
      offset: 0,
      errors: null,
    });
    expect((await get('/services/worker/operations')).body['data']).toEqual([
      'INSERT orders',
      'db.query',
      'http.request',
    ]);
    expect((await get('/operations?service=gateway')).body['data']).toEqual([
      { name: 'POST /api/orders', spanKind: '' },
      { name: 'http.request', spanKind: '' },
    ]);
  });

  it('answers a trace that a Jaeger client understands', async () => {
    const response = await handler(
      new Request(`http://localhost/_api/jaeger/api/traces/${root.traceId}?prettyPrint=true`),
    );
    const decoded = decodeJaegerJson(await response.text());
    expect(decoded.rejected).toBe(0);
    expect(new Map(decoded.spans.map((span) => [span.spanId, [span.parentSpanId, span.origin.serviceName]]))).toEqual(
      new Map([
        [root.spanId, [undefined, 'gateway']],
        [child.spanId, [root.spanId, 'worker']],
      ]),
    );
  });

  it.each([
    ['service=gateway', [root.traceId]],
    ['service=worker&limit=20&lookback=1h&start=1&end=9999999999999999', [other.traceId, root.traceId]],
    ['service=worker&operation=db.query', [root.traceId]],
    ['service=worker&operation=all', []],
    ['service=gateway&minDuration=1.5s', [root.traceId]],
    ['service=gateway&minDuration=1.500001s', []],
    ['service=worker&maxDuration=100us', [other.traceId]],
    ['service=worker&tags=%7B%22error%22%3A%22true%22%7D', [root.traceId]],
    ['service=gateway&tags=%7B%22http.status_code%22%3A%22201%22%7D', [root.traceId]],
    ['service=gateway&tag=http.status_code:500', []],
    [`start=${NOW_US - 3e6}`, [other.traceId]],
    [`traceID=${other.traceId}&traceID=${root.traceId}`, [other.traceId, root.traceId]],
    ['service=worker&limit=1', [other.traceId]],
    ['service=worker&operation=&minDuration=&maxDuration=&tags=', [other.traceId, root.traceId]],
  ])('finds by %s', async (query, ids) => {
    expect(await found(query)).toEqual(ids);
  });

  it('writes all traces of a search whole', async () => {
    const response = await handler(new Request('http://localhost/_api/jaeger/api/traces?service=worker'));
    expect(decodeJaegerJson(await response.text()).spans).toHaveLength(3);
  });

  it('counts who calls whom', async () => {
    expect((await get(`/dependencies?endTs=${NOW_US / 1000}&lookback=60000`)).body['data']).toEqual([
      { parent: 'gateway', child: 'worker', callCount: 1 },
    ]);
    expect((await get('/dependencies?endTs=1000&lookback=1')).body['data']).toEqual([]);
  });

  it('words errors as Jaeger does', async () => {
    const missing = await get(`/traces/${'1'.repeat(32)}`);
    expect([missing.status, missing.body['data']]).toEqual([404, null]);
    expect(missing.body['errors']).toMatchObject([{ code: 404, msg: expect.stringContaining('no trace') as string }]);
    expect((await get('/dependencies?endTs=-1')).status).toBe(400);
    for (const query of ['minDuration=long', 'tags=x', 'tags=[]', 'tag=x', 'limit=x', 'start=now'])
      expect(await get(`/traces?${query}`)).toMatchObject({ status: 400, body: { errors: [{ code: 400 }] } });
  });
});

describe('v3', () => {
  it('names services and operations', async () => {
    expect((await get('/v3/services')).body).toEqual({ services: ['gateway', 'worker'] });
    expect((await get('/v3/operations?service=gateway')).body).toEqual({
      operations: [
        { name: 'POST /api/orders', spanKind: 'internal' },
        { name: 'http.request', spanKind: 'internal' },
      ],
    });
  });

  it('answers a trace as OTLP', async () => {
    const { body } = await get(`/v3/traces/${root.traceId}`);
    const decoded = decodeOtlpJson(JSON.stringify(body['result']));
    expect(decoded.spans.map((span) => span.spanId).sort()).toEqual([root.spanId, child.spanId].sort());
  });

  const time = 'query.start_time_min=2026-01-01T11:00:00Z&query.start_time_max=2026-01-01T12:00:00.000000000Z';
  it.each([
    [`query.service_name=gateway&${time}`, 2],
    [`query.serviceName=worker&query.startTimeMin=2026-01-01T11:59:56.5Z`, 1],
    [`query.service_name=worker&query.num_traces=1&${time}`, 1],
    [`query.service_name=worker&query.search_depth=10&${time}`, 3],
    [`query.service_name=gateway&query.duration_min=1s&query.duration_max=2s&${time}`, 2],
    [`query.attributes=%7B%22http.status_code%22%3A%22201%22%7D&${time}`, 2],
  ])('finds by %s', async (query, spans) => {
    const { status, body } = await get(`/v3/traces?${query}`);
    expect(status).toBe(200);
    expect(decodeOtlpJson(JSON.stringify(body['result'])).spans).toHaveLength(spans);
  });

  it('words errors as Jaeger does', async () => {
    expect(await get(`/v3/traces?query.service_name=nobody&${time}`)).toEqual({
      status: 404,
      body: { error: { httpCode: 404, message: 'No traces found' } },
    });
    expect(await get('/v3/traces?query.start_time_min=yesterday')).toMatchObject({
      status: 400,
      body: { error: { httpCode: 400 } },
    });
    expect(await get('/v3/traces/xyz')).toMatchObject({ status: 400, body: { error: { httpCode: 400 } } });
  });
});

it.each([
  ['0', 0],
  ['1.5s', 1_500_000],
  ['1h2m3.5s', 3_723_500_000],
  ['100ms', 100_000],
  ['250us', 250],
  ['250µs', 250],
  ['1ns', 0.001],
  ['.5s', 500_000],
  ['5', undefined],
  ['1.5 s', undefined],
  ['s', undefined],
  ['-1s', undefined],
])('Go’s duration %s is %s µs', (text, us) => {
  expect(goDurationUs(text)).toBe(us);
});
