import { Status } from '@forge/core';
import { makeSpan } from '@forge/testing';
import { Validator, type SpecData } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { storeOf } from '../test/store-of.ts';
import { createQueryHandler, type QueryOptions } from './handler.ts';
import type { Problem } from './problem.ts';
import type { PageJson } from './search.ts';
import type { TraceJson } from './trace-json.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const START_US = Date.UTC(2026, 10, 22, 17, 48, 28) * 1000 + 123_456;

const root = makeSpan({
  traceId: TRACE,
  spanId: 'b7ad6b7169203331',
  resource: 'POST /api/orders',
  startUnixUs: START_US,
  durationUs: 150_600,
  kind: 1,
  attributes: ['method', 'POST', 'ratio', Number.NaN, '__proto__', 1],
  origin: { serviceName: 'gateway', nodeId: '00000000-0000-4000-8000-000000000001', attributes: ['host.name', 'a'] },
});
const child = makeSpan({
  traceId: TRACE,
  spanId: 'b7ad6b7169203332',
  parentSpanId: root.spanId,
  name: 'function.execute',
  resource: 'create_order',
  startUnixUs: START_US + 20_000,
  durationUs: 1_000_000,
  status: Status.error,
  statusMessage: 'declined',
  events: [
    {
      name: 'exception',
      unixUs: START_US + 30_000,
      attributes: ['exception.message', 'declined'],
      droppedAttributes: 0,
    },
  ],
  links: [
    {
      traceId: 'f'.repeat(32),
      spanId: 'e'.repeat(16),
      traceState: undefined,
      flags: 1,
      attributes: ['why', 'retry'],
      droppedAttributes: 0,
    },
  ],
});
const orphan = makeSpan({
  traceId: '00000000000000000000000000000abc',
  parentSpanId: '1111111111111111',
  durationUs: 5,
});
const store = await storeOf([root, child, orphan]);

function api(options: Partial<QueryOptions> = {}) {
  const handler = createQueryHandler({ store, ...options });
  return (path: string, init?: RequestInit) => handler(new Request(`http://localhost${path}`, init));
}

async function body<T>(response: Promise<Response>): Promise<T> {
  return (await (await response).json()) as T;
}

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

describe('GET /_api/traces', () => {
  it('finds by span name or resource with a duration in milliseconds', async () => {
    const page = await body<PageJson>(api()('/_api/traces?operation=create_order&min_duration=1000&limit=50'));
    expect(page.next_cursor).toBeNull();
    expect(page.traces).toEqual([
      {
        trace_id: TRACE,
        root: { operation_name: 'http.request', resource: 'POST /api/orders', service_name: 'gateway', status: 'ok' },
        start_time: '2026-11-22T17:48:28.123456Z',
        start_us: START_US,
        duration_ms: 1020,
        duration_us: 1_020_000,
        spans: 2,
        errors: 1,
        services: [
          { service_name: 'gateway', spans: 1, errors: 0 },
          { service_name: 'test', spans: 1, errors: 1 },
        ],
        kept: 'head',
        longest_match_us: 1_000_000,
      },
    ]);
    expect((await body<PageJson>(api()('/_api/traces?operation=http.request&service=gateway'))).traces).toHaveLength(1);
  });

  it.each([
    ['min_duration=1000', true],
    ['min_duration=1000.001', false],
    ['min_duration=1s', true],
    ['min_duration=1000001us', false],
    ['max_duration=1000', true],
    ['max_duration=999.999', false],
    [`start=${START_US + 20_000}`, true],
    [`start=${START_US + 20_001}`, false],
    [`end=${START_US + 20_001}`, true],
    [`end=${START_US + 20_000}`, false],
    ['start=2026-11-22T17:48:28.143456Z', true],
    ['start=2026-11-22T18:48:28.143456%2B01:00', true],
    ['start=2026-11-22T17:48:28.143457Z', false],
    ['status=error', true],
    ['status=ok', false],
    ['text=DECLIN', true],
    ['text=accepted', false],
    ['kept=head', true],
    ['kept=error', false],
  ])('bounds are exact: %s', async (parameter, isFound) => {
    const page = await body<PageJson>(api()(`/_api/traces?operation=create_order&${parameter}`));
    expect(page.traces.map((trace) => trace.trace_id)).toEqual(isFound ? [TRACE] : []);
  });

  it('finds by tags', async () => {
    expect((await body<PageJson>(api()('/_api/traces?tag.method=POST'))).traces).toHaveLength(1);
    expect((await body<PageJson>(api()('/_api/traces?tag.method=POST&tag.path=/'))).traces).toHaveLength(0);
  });

  it('pages through all traces once, whatever the page size, and keeps times before now as the first page had them', async () => {
    const spans = Array.from({ length: 23 }, (_, i) => makeSpan({ startUnixUs: START_US + i * 1000 }));
    let nowMs = START_US / 1000 + 60_000;
    const ask = api({ store: await storeOf(spans), nowMs: () => nowMs });
    const seen: string[] = [];
    let cursor = '';
    do {
      const page: PageJson = await body(ask(`/_api/traces?start=-61s&limit=7${cursor}`));
      seen.push(...page.traces.map((trace) => trace.trace_id));
      cursor = page.next_cursor === null ? '' : `&cursor=${page.next_cursor}`;
      nowMs += 600_000;
    } while (cursor !== '');
    expect(seen).toEqual(spans.map((span) => span.traceId).reverse());
  });

  it('refuses a cursor of another search, and one that is none', async () => {
    const spans = [makeSpan(), makeSpan()];
    const ask = api({ store: await storeOf(spans) });
    const { next_cursor } = await body<PageJson>(ask('/_api/traces?limit=1'));
    expect((await ask(`/_api/traces?limit=2&cursor=${next_cursor}`)).status).toBe(200);
    expect(await body(ask(`/_api/traces?status=ok&cursor=${next_cursor}`))).toMatchObject({
      status: 400,
      parameter: 'cursor',
    });
    expect(await body(ask('/_api/traces?cursor=bm90'))).toMatchObject({ status: 400, parameter: 'cursor' });
  });

  it.each([
    ['min_duration=fast', 'min_duration', 'milliseconds'],
    ['min_duration=-1', 'min_duration', 'milliseconds'],
    ['max_duration=5&min_duration=6', 'max_duration', 'min_duration or more'],
    ['limit=0', 'limit', 'from 1 to 1000'],
    ['limit=1001', 'limit', 'from 1 to 1000'],
    ['limit=1e2', 'limit', 'from 1 to 1000'],
    ['limit=5&limit=6', 'limit', 'once'],
    ['status=failed', 'status', 'ok, error'],
    ['sort=oldest', 'sort', 'newest, longest, longest_span, most_errors, most_spans'],
    ['start=yesterday', 'start', 'ISO 8601'],
    ['start=2026-11-22T17:48:28', 'start', 'zone'],
    ['start=2000000&end=2000000', 'end', 'after start'],
    ['service=', 'service', '1 to 255'],
    ['operation=a%00b', 'operation', 'NUL'],
    ['tag.=x', 'tag.', 'tag.KEY=VALUE'],
    ['servce=a', 'servce', 'operation, service'],
    ['constructor=a', 'constructor', 'operation, service'],
  ])('refuses %s, naming parameter, value and what is allowed', async (query, parameter, allowed) => {
    const response = await api()(`/_api/traces?${query}`);
    expect(response.status).toBe(400);
    const problem = (await response.json()) as Problem;
    expect(problem.parameter).toBe(parameter);
    expect(problem.allowed).toContain(allowed);
    expect(problem.detail).toContain(parameter);
    expect(problem.value).toBeTypeOf('string');
  });
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

describe('GET /_api/services and /_api/operations', () => {
  it('name what was seen in the range, a day until now by default', async () => {
    const ask = api({ nowMs: () => START_US / 1000 + 3_600_000 });
    expect(await body(ask('/_api/services'))).toEqual({ services: ['gateway', 'test'] });
    expect(await body(ask('/_api/operations?service=test'))).toEqual({
      operations: [{ operation_name: 'function.execute', resource: 'create_order' }],
    });
    expect(await body(ask('/_api/services?end=2026-11-22T17:00:00Z'))).toEqual({ services: [] });
    expect(await body(api({ nowMs: () => START_US / 1000 + 2 * 86_400_000 })('/_api/services'))).toEqual({
      services: [],
    });
  });

  it('refuse a range that ends before it starts', async () => {
    expect(await body(api()('/_api/services?start=3000000&end=2000000'))).toMatchObject({
      status: 400,
      parameter: 'start',
    });
  });
});

it('refuses more points in time than anyone can draw', async () => {
  const ask = api();
  const range = 'start=2026-01-01T00:00:00Z&end=2026-12-01T00:00:00Z';
  expect(await body(ask(`/_api/rates?${range}&step=1m`))).toMatchObject({
    status: 400,
    parameter: 'step',
    allowed: '241m or more, for so long a time',
  });
  expect((await ask(`/_api/rates?${range}&step=241m`)).status).toBe(200);
  expect((await ask(`/_api/heatmap?${range}&step=1h`)).status).toBe(400);
  expect((await ask('/_api/rates?start=0')).status).toBe(200);
});

describe('access', () => {
  it.each(['localhost', 'localhost:8080', '127.0.0.1:8080', '127.3.2.1', '[::1]:8080', 'app.localhost', 'LOCALHOST.'])(
    'answers the host %s without a token',
    async (host) => {
      expect((await api()('/_api/traces', { headers: { host } })).status).toBe(200);
    },
  );

  it.each([
    'evil.example',
    'evil.example:8080',
    '10.0.0.1',
    'localhost.evil.example',
    '127.0.0.1.nip.io',
    '128.0.0.1',
    'localhost:80:80',
    '',
  ])('refuses the host %j without a token: DNS rebinding', async (host) => {
    const handler = createQueryHandler({ store });
    const response = await handler(new Request('http://gateway/_api/traces', { headers: host === '' ? {} : { host } }));
    expect(response.status).toBe(403);
  });

  it('answers further hosts that were allowed', async () => {
    const ask = api({ allowedHosts: ['gateway.internal'] });
    expect((await ask('/_api/traces', { headers: { host: 'gateway.internal:8080' } })).status).toBe(200);
  });

  it('refuses strangers without a token: by address, and behind a proxy of this machine', async () => {
    const handler = createQueryHandler({ store });
    const request = (headers = {}) => new Request('http://localhost/_api/traces', { headers });
    expect((await handler(request(), { address: '127.0.0.1' })).status).toBe(200);
    expect((await handler(request(), { address: '::ffff:127.0.0.1' })).status).toBe(200);
    expect((await handler(request(), { address: '10.1.2.3' })).status).toBe(403);
    expect((await handler(request({ 'x-forwarded-for': '203.0.113.7' }), { address: '::1' })).status).toBe(403);
    expect((await handler(request({ forwarded: 'for=203.0.113.7' }), { address: '::1' })).status).toBe(403);
  });

  it('answers anyone from anywhere with the read token, and nobody without', async () => {
    const handler = createQueryHandler({ store, readToken: 's3cret' });
    const ask = async (authorization?: string) => {
      const headers = { host: 'traces.example', ...(authorization === undefined ? {} : { authorization }) };
      return (await handler(new Request('http://traces.example/_api/traces', { headers }), { address: '10.1.2.3' }))
        .status;
    };
    expect(await ask('Bearer s3cret')).toBe(200);
    expect(await ask('bearer  s3cret')).toBe(200);
    expect(await ask()).toBe(401);
    expect(await ask('Bearer s3cre')).toBe(401);
    expect(await ask('Bearer s3cret2')).toBe(401);
    expect(await ask('Basic s3cret')).toBe(401);
    const local = await handler(new Request('http://localhost/_api/traces'), { address: '127.0.0.1' });
    expect(local.status).toBe(401);
    expect(local.headers.get('www-authenticate')).toContain('Bearer');
  });

  it('takes the write token for reading too', async () => {
    const ask = api({ readToken: 'read', writeToken: 'write' });
    expect((await ask('/_api/traces', { headers: { authorization: 'Bearer write' } })).status).toBe(200);
  });

  it('sends headers that keep answers from being cached, guessed, framed or read by other sites', async () => {
    const { headers } = await api()('/_api/traces', { headers: { origin: 'http://evil.example' } });
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.has('access-control-allow-origin')).toBe(false);
  });
});

describe('bounds and failures', () => {
  it('answers 504 when the store takes longer than allowed', async () => {
    const ask = api({ store: { ...store, search: () => new Promise(() => undefined) }, timeoutMs: 5 });
    const response = await ask('/_api/traces');
    expect(response.status).toBe(504);
  });

  it('answers 503 when the store is away, and tells the operator, not the caller, why', async () => {
    const failure = Object.assign(new Error('connect ECONNREFUSED 10.0.0.5'), {
      name: 'ForgeError',
      code: 'FORGE_STORAGE_UNAVAILABLE',
      retryable: true,
    });
    const told: unknown[] = [];
    const response = await api({
      store: { ...store, search: () => Promise.reject(failure) },
      onError: (error) => told.push(error),
    })('/_api/traces');
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('1');
    expect(await response.text()).not.toContain('10.0.0.5');
    expect(told).toEqual([failure]);
  });

  it('answers 500 without inner words for what nobody expected', async () => {
    const response = await api({
      store: {
        ...store,
        search: () => {
          throw new Error('SELECT secret');
        },
      },
    })('/_api/traces');
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('secret');
  });

  it('refuses a URL without end, an unknown path and a method that is not there', async () => {
    expect((await api()(`/_api/traces?text=${'x'.repeat(17_000)}`)).status).toBe(414);
    expect((await api()('/_api/nothing')).status).toBe(404);
    expect((await api()('/elsewhere')).status).toBe(404);
    const response = await api()('/_api/traces', { method: 'PUT' });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('GET, HEAD');
  });

  it('answers HEAD like GET without a body, at another base path too', async () => {
    const response = await api({ basePath: '/x/api/' })(`/x/api/traces/${TRACE}`, { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toContain('application/json');
    expect(await response.text()).toBe('');
  });

  it('shows what the process says of itself', async () => {
    expect(await body(api({ info: () => ({ forge_spans_started_total: 3 }) })('/_api/info'))).toEqual({
      forge_spans_started_total: 3,
    });
  });
});

interface Document {
  paths: Record<
    string,
    Record<
      string,
      {
        parameters: { name: string }[];
        responses: Record<string, { content: Record<string, { schema: { $ref: string } }> }>;
      }
    >
  >;
}

describe('GET /_api/openapi.json', () => {
  it('describes every answer: each one passes its schema', async () => {
    const ask = api();
    const document = await body<Document>(ask('/_api/openapi.json'));
    const ajv = new Ajv2020({ strict: false, allErrors: true });
    addFormats.default(ajv);
    ajv.addSchema(document, 'api');
    const asked: [path: string, request: string][] = [
      ['/_api/traces', '/_api/traces'],
      ['/_api/traces', '/_api/traces?limit=1'],
      ['/_api/traces', '/_api/traces?limit=x'],
      ['/_api/traces/{id}', `/_api/traces/${TRACE}`],
      ['/_api/traces/{id}', `/_api/traces/${orphan.traceId}`],
      ['/_api/traces/{id}', `/_api/traces/${'1'.repeat(32)}`],
      ['/_api/traces/{id}/columns', `/_api/traces/${TRACE}/columns`],
      ['/_api/traces/{id}/columns', `/_api/traces/${orphan.traceId}/columns`],
      ['/_api/traces/{id}/spans/{spanId}', `/_api/traces/${TRACE}/spans/${child.spanId}`],
      ['/_api/traces/{id}/spans/{spanId}', `/_api/traces/${TRACE}/spans/${'1'.repeat(16)}`],
      ['/_api/traces/{id}/logs', `/_api/traces/${TRACE}/logs`],
      ['/_api/traces/{id}/find', `/_api/traces/${TRACE}/find?text=declined`],
      ['/_api/traces/{id}/find', `/_api/traces/${TRACE}/find`],
      ['/_api/services', '/_api/services?start=2026-01-01T00:00:00Z&end=2026-12-01T00:00:00Z'],
      ['/_api/operations', '/_api/operations?start=2026-01-01T00:00:00Z&end=2026-12-01T00:00:00Z&service=gateway'],
      ['/_api/tags', '/_api/tags?start=2026-01-01T00:00:00Z&end=2026-12-01T00:00:00Z&service=gateway'],
      ['/_api/tags/{key}', '/_api/tags/method?start=2026-01-01T00:00:00Z&end=2026-12-01T00:00:00Z&prefix=P&limit=5'],
      ['/_api/rates', '/_api/rates?start=2026-11-22T17:00:00Z&end=2026-11-22T18:00:00Z&by=service,operation,resource'],
      [
        '/_api/rates',
        '/_api/rates?start=2026-11-22T17:00:00Z&end=2026-11-22T18:00:00Z&kind=server,consumer&quantiles=0.5',
      ],
      ['/_api/rates', '/_api/rates?by=services'],
      ['/_api/heatmap', '/_api/heatmap?start=2026-11-22T17:00:00Z&end=2026-11-22T18:00:00Z&step=5m&status=error'],
      ['/_api/edges', '/_api/edges?start=2026-11-22T17:00:00Z&end=2026-11-22T18:00:00Z'],
      ['/_api/compare', `/_api/compare?a=${TRACE}&b=${orphan.traceId}`],
      ['/_api/compare', `/_api/compare?a=${TRACE}`],
      ['/_api/info', '/_api/info'],
      ['/_api/openapi.json', '/_api/openapi.json'],
    ];
    for (const [path, request] of asked) {
      const response = await ask(request);
      const type = response.headers.get('content-type')!.split(';')[0];
      const described = document.paths[path].get.responses[response.status].content[type].schema.$ref;
      const isValid = ajv.validate(`api${described}`, await response.json());
      expect(ajv.errors, `${request} ${response.status}`).toBeNull();
      expect(isValid).toBe(true);
    }
    // Tested beside their routes: they take or give no JSON of ours.
    const others = ['/_api/live', '/_api/import', '/_api/traces/{id}/export'];
    expect(new Set([...asked.map(([path]) => path), ...others])).toEqual(new Set(Object.keys(document.paths)));
  });

  it('is OpenAPI 3.1', async () => {
    const document = await body<SpecData>(api()('/_api/openapi.json'));
    const result = await new Validator().validate(document);
    expect(result.errors ?? []).toEqual([]);
    expect(result.valid).toBe(true);
  });

  it('names exactly the parameters that are taken', async () => {
    const document = await body<Document>(api()('/_api/openapi.json'));
    const names = document.paths['/_api/traces'].get.parameters.map(({ name }) => name);
    expect(names).toEqual([
      'operation',
      'service',
      'min_duration',
      'max_duration',
      'status',
      'text',
      'kept',
      'start',
      'end',
      'sort',
      'limit',
      'cursor',
      'tag',
    ]);
  });
});
