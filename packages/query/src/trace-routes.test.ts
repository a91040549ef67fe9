import { makeSpan } from '@forge/testing';
import { describe, expect, it } from 'vitest';
import { START_US, TRACE, api, body, orphan, root } from '../test/orders-api.ts';
import { storeOf } from '../test/store-of.ts';
import type { Problem } from './problem.ts';
import type { PageJson } from './search.ts';
import type { TraceJson } from './trace-json.ts';

describe('GET /_api/traces/{id}', () => {
  it('answers the trace with the names of the table and times to the microsecond', async () => {
    const trace = await body<TraceJson>(api()(`/_api/traces/${TRACE}`));
    expect(trace).toMatchObject({
      trace_id: TRACE,
      start_time: '2026-11-22T17:48:28.123456Z',
      duration_us: 1_020_000,
      duration_ms: 1020,
      kept: 'head',
      gaps: [],
      missing_parents: [],
      errors: 1,
      root: {
        span_id: root.spanId,
        operation_name: 'http.request',
        resource: 'POST /api/orders',
        service_name: 'gateway',
        status: 'ok',
      },
      services: [
        { service_name: 'gateway', spans: 1, errors: 0 },
        { service_name: 'test', spans: 1, errors: 1 },
      ],
    });
    expect(trace.spans[0]).toMatchObject({
      span_id: root.spanId,
      parent_span_id: null,
      kind: 'server',
      start_us: START_US,
      duration_ms: 151,
      duration_us: 150_600,
      process: { 'host.name': 'a' },
      status_message: null,
    });
    expect(trace.spans[1]).toMatchObject({
      parent_span_id: root.spanId,
      operation_name: 'function.execute',
      resource: 'create_order',
      status: 'error',
      status_message: 'declined',
      logs: [
        { name: 'exception', time: '2026-11-22T17:48:28.153456Z', attributes: { 'exception.message': 'declined' } },
      ],
      links: [{ trace_id: 'f'.repeat(32), span_id: 'e'.repeat(16), attributes: { why: 'retry' } }],
    });
  });

  it('writes values that JSON lacks as text, and a tag named __proto__ as a tag', async () => {
    const text = await (await api()(`/_api/traces/${TRACE}`)).text();
    expect(text).toContain('"tags":{"method":"POST","ratio":"NaN","__proto__":1}');
  });

  it('says which parents are missing, and takes the earliest orphan for the root', async () => {
    const trace = await body<TraceJson>(api()(`/_api/traces/${orphan.traceId}`));
    expect(trace.missing_parents).toEqual(['1111111111111111']);
    expect(trace.root.span_id).toBe(orphan.spanId);
  });

  it('answers a trace whose spans form a circle', async () => {
    const a = makeSpan({ traceId: TRACE, spanId: 'a'.repeat(16), parentSpanId: 'b'.repeat(16) });
    const b = makeSpan({ traceId: TRACE, spanId: 'b'.repeat(16), parentSpanId: 'a'.repeat(16) });
    const trace = await body<TraceJson>(api({ store: await storeOf([b, a]) })(`/_api/traces/${TRACE}`));
    expect(trace.root.span_id).toBe(a.spanId);
    expect(trace.spans).toHaveLength(2);
  });

  it('writes a trace of many pieces whole', async () => {
    const many = Array.from({ length: 1203 }, (_, i) => makeSpan({ traceId: TRACE, startUnixUs: START_US + i }));
    const trace = await body<TraceJson>(api({ store: await storeOf(many) })(`/_api/traces/${TRACE}`));
    expect(trace.spans.map((span) => span.span_id)).toEqual(many.map((span) => span.spanId));
  });

  it('finds an id in capitals, and a 64-bit id with and without its zeros', async () => {
    const short = makeSpan({ traceId: '463ac35c9f6413ad' });
    const ask = api({ store: await storeOf([short, root]) });
    expect((await ask(`/_api/traces/${TRACE.toUpperCase()}`)).status).toBe(200);
    expect((await ask('/_api/traces/463ac35c9f6413ad')).status).toBe(200);
    expect((await ask('/_api/traces/0000000000000000463ac35c9f6413ad')).status).toBe(200);
  });

  it('answers 404 with the retention time for an unknown id', async () => {
    const response = await api({ retention: '7 days' })(`/_api/traces/${'1'.repeat(32)}`);
    expect(response.status).toBe(404);
    expect(response.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    expect(((await response.json()) as Problem).detail).toContain('7 days');
  });

  it.each(['abc-123', '0'.repeat(32), 'g'.repeat(32), '1'.repeat(31), '1'.repeat(33), '%ff'])(
    'refuses the id %s',
    async (id) => {
      const problem = await body<Problem>(api()(`/_api/traces/${id}`));
      expect(problem).toMatchObject({ status: 400, parameter: 'id', value: id, code: 'FORGE_QUERY_INVALID_PARAMETER' });
    },
  );
});

describe('DELETE /_api/traces/{id}', () => {
  it('removes a trace for good, on this machine without a token', async () => {
    const ask = api({ store: await storeOf([root, orphan]) });
    const response = await ask(`/_api/traces/${TRACE}`, { method: 'DELETE' });
    expect([response.status, await response.text()]).toEqual([204, '']);
    expect((await ask(`/_api/traces/${TRACE}`)).status).toBe(404);
    expect((await ask(`/_api/traces/${TRACE}`, { method: 'DELETE' })).status).toBe(404);
    expect((await body<PageJson>(ask('/_api/traces'))).traces).toHaveLength(1);
  });

  it.each([
    [{ readToken: 'r' }, undefined, 403],
    [{ readToken: 'r' }, 'r', 403],
    [{ readToken: 'r', writeToken: 'w' }, 'r', 403],
    [{ readToken: 'r', writeToken: 'w' }, undefined, 401],
    [{ readToken: 'r', writeToken: 'w' }, 'x', 401],
    [{ readToken: 'r', writeToken: 'w' }, 'w', 204],
    [{ writeToken: 'w' }, undefined, 401],
    [{ writeToken: 'w' }, 'w', 204],
    [{}, 'w', 401],
  ])('with the tokens %j and %j given answers %i', async (tokens, given, status) => {
    const ask = api({ store: await storeOf([root]), ...tokens });
    const headers: Record<string, string> = given === undefined ? {} : { authorization: `Bearer ${given}` };
    expect((await ask(`/_api/traces/${TRACE}`, { method: 'DELETE', headers })).status).toBe(status);
  });

  it.each<Record<string, string>>([
    { origin: 'http://evil.example' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
  ])('refuses what another site sends: %j', async (headers) => {
    const ask = api({ store: await storeOf([root]) });
    expect((await ask(`/_api/traces/${TRACE}`, { method: 'DELETE', headers })).status).toBe(403);
    expect(
      (await ask(`/_api/traces/${TRACE}`, { method: 'DELETE', headers: { origin: 'http://localhost' } })).status,
    ).toBe(204);
  });
});

describe('a trace that a viewer has opened', () => {
  it('keeps its rows while spans arrive, until it is opened again', async () => {
    const spans = Array.from({ length: 1000 }, (_, i) =>
      makeSpan({ traceId: TRACE, startUnixUs: START_US + i, attributes: ['i', `#${i}#`] }),
    );
    const opened = await storeOf(spans);
    const ask = api({ store: opened });
    await ask(`/_api/traces/${TRACE}/columns`);
    await opened.write([makeSpan({ traceId: TRACE, startUnixUs: START_US - 5 })]);
    expect(await body(ask(`/_api/traces/${TRACE}/find?text=%23999%23`))).toMatchObject({ count: 1000, rows: [999] });
    await ask(`/_api/traces/${TRACE}/columns`);
    expect(await body(ask(`/_api/traces/${TRACE}/find?text=%23999%23`))).toMatchObject({ count: 1001, rows: [1000] });
  });
});
