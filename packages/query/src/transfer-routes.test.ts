import { attributesToObject, Status, type SpanData } from '@forge/core';
import { createMemoryStore, type TraceStore } from '@forge/storage';
import { makeSpan } from '@forge/testing';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { storeOf } from '../test/store-of.ts';
import { createQueryHandler, type QueryOptions } from './handler.ts';
import type { Problem } from './problem.ts';
import type { PageJson } from './search.ts';
import type { ImportJson } from './transfer-routes.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const root = makeSpan({
  traceId: TRACE,
  resource: 'POST /api/orders',
  kind: 1,
  attributes: ['method', 'POST', 'count', 3],
});
const child = makeSpan({
  traceId: TRACE,
  parentSpanId: root.spanId,
  name: 'db.query',
  status: Status.error,
  statusMessage: 'declined',
  events: [
    {
      name: 'exception',
      unixUs: root.startUnixUs + 5,
      attributes: ['exception.message', 'declined'],
      droppedAttributes: 0,
    },
  ],
});

function api(store: TraceStore, options: Partial<QueryOptions> = {}) {
  const handler = createQueryHandler({ store, ...options });
  return (path: string, init?: RequestInit) => handler(new Request(`http://localhost/_api${path}`, init));
}

async function importInto(
  store: TraceStore,
  body: string | Uint8Array<ArrayBuffer>,
  init: RequestInit = {},
  options: Partial<QueryOptions> = {},
) {
  return api(store, options)('/import', { method: 'POST', body, ...init });
}

describe('a trace goes out and comes in again', () => {
  it.each(['otlp', 'zipkin', 'jaeger'])('as %s', async (format) => {
    const file = await api(await storeOf([root, child]))(`/traces/${TRACE}/export?format=${format}`);
    expect(file.headers.get('content-disposition')).toBe(`attachment; filename="${TRACE}.${format}.json"`);
    const store = createMemoryStore();
    const response = await importInto(store, await file.text());
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      formats: [format],
      spans: 2,
      stored: 2,
      duplicates: 0,
      expired: 0,
      rejected: 0,
      reason: null,
      trace_ids: [TRACE],
    });
    const back = await store.trace(TRACE);
    const said = (span: SpanData) => [
      span.spanId,
      span.parentSpanId,
      span.name,
      span.resource,
      span.kind,
      span.startUnixUs,
      span.durationUs,
      span.status,
      span.events.length,
    ];
    expect(back?.spans.map(said)).toEqual([root, child].map(said));
    expect(attributesToObject(back!.spans[0].attributes)).toMatchObject({ method: 'POST' });
  });

  it('as events for Chrome’s viewer', async () => {
    const file = await api(await storeOf([root, child]))(`/traces/${TRACE}/export?format=chrome`);
    const { traceEvents } = (await file.json()) as { traceEvents: unknown[] };
    expect(traceEvents.length).toBeGreaterThanOrEqual(2);
  });

  it('but in no other format', async () => {
    const ask = api(await storeOf([root]));
    expect(await (await ask(`/traces/${TRACE}/export?format=svg`)).json()).toMatchObject({
      status: 400,
      parameter: 'format',
      allowed: 'otlp, zipkin, jaeger, chrome',
    });
    expect(await (await ask(`/traces/${TRACE}/export`)).json()).toMatchObject({ status: 400, parameter: 'format' });
    expect((await ask(`/traces/${'1'.repeat(32)}/export?format=otlp`)).status).toBe(404);
  });
});

describe('POST /_api/import', () => {
  const zipkin = (id: number) => ({
    traceId: TRACE,
    id: id.toString(16).padStart(16, '0'),
    name: 'get',
    timestamp: 1_700_000_000_000_000,
    duration: 5,
    localEndpoint: { serviceName: 'shop' },
  });

  it('stores a span once, however often its file comes', async () => {
    const store = createMemoryStore();
    const file = JSON.stringify([zipkin(1), zipkin(2)]);
    await importInto(store, file);
    expect(await (await importInto(store, file)).json()).toMatchObject({ stored: 0, duplicates: 2 });
  });

  it('unpacks gzip', async () => {
    const body = gzipSync(JSON.stringify([zipkin(1)]));
    const response = await importInto(createMemoryStore(), body, { headers: { 'content-encoding': 'gzip' } });
    expect(await response.json()).toMatchObject({ stored: 1 });
  });

  it('reads a body of many megabytes in pieces, in batches', async () => {
    const batches: number[] = [];
    const store = createMemoryStore();
    const counting: TraceStore = { ...store, write: (batch) => (batches.push(batch.length), store.write(batch)) };
    const file = JSON.stringify(Array.from({ length: 60_000 }, (_, i) => zipkin(i + 1)));
    expect(await (await importInto(counting, file)).json()).toMatchObject({ stored: 60_000 });
    expect(Math.max(...batches)).toBe(5000);
  });

  it('counts members that are no spans, and says why the first was refused', async () => {
    const response = await importInto(createMemoryStore(), JSON.stringify([zipkin(1), { ...zipkin(2), id: 'x' }]));
    const result = (await response.json()) as ImportJson;
    expect(result).toMatchObject({ stored: 1, rejected: 1 });
    expect(result.reason).toMatch(/id/);
  });

  it.each([
    ['', 400, 'the body is empty'],
    ['hello', 400, 'neither an object nor a list'],
    ['{"a":1}', 400, 'no trace file: neither OTLP JSON'],
    ['[{"traceId":', 400, 'the document ends early'],
    [`[${JSON.stringify(zipkin(1))}, {"traceId": nonsense}]`, 400, 'no JSON: Unexpected token'],
  ])('refuses %s', async (body, status, reason) => {
    const response = await importInto(createMemoryStore(), body);
    const problem = (await response.json()) as Problem;
    expect([problem.status, problem.code]).toEqual([status, 'FORGE_QUERY_INVALID_BODY']);
    expect(problem.detail).toContain(reason);
  });

  it('says how much of a broken file is stored', async () => {
    const file = Array.from({ length: 40_000 }, (_, i) => JSON.stringify(zipkin(i + 1))).join(',');
    const problem = (await (await importInto(createMemoryStore(), `[${file},{]`)).json()) as Problem;
    expect(problem.detail).toMatch(/; the \d{5} spans before it are stored$/);
  });

  it('bounds the body, unpacked: a small one of zeros too', async () => {
    const options = { maxImportBytes: 1000 };
    expect((await importInto(createMemoryStore(), `[${' '.repeat(1000)}]`, {}, options)).status).toBe(413);
    const bomb = gzipSync(Buffer.alloc(50_000_000, ' '));
    expect(
      (await importInto(createMemoryStore(), bomb, { headers: { 'content-encoding': 'gzip' } }, options)).status,
    ).toBe(413);
  });

  it('refuses packing that it does not know, and packing that is broken', async () => {
    expect((await importInto(createMemoryStore(), '[]', { headers: { 'content-encoding': 'br' } })).status).toBe(415);
    const broken = await importInto(createMemoryStore(), 'not gzip', { headers: { 'content-encoding': 'gzip' } });
    expect([broken.status, ((await broken.json()) as Problem).detail]).toEqual([
      400,
      'the body is not what its content-encoding says',
    ]);
  });

  it('wants the write token', async () => {
    const tokens = { readToken: 'r', writeToken: 'w' };
    const send = async (token: string) =>
      (await importInto(createMemoryStore(), '[]', { headers: { authorization: `Bearer ${token}` } }, tokens)).status;
    expect(await send('r')).toBe(403);
    expect(await send('w')).toBe(400);
  });
});

const FILES = fileURLToPath(new URL('../../../../shared/traces/', import.meta.url));
const hasFiles = existsSync(FILES);
if (!hasFiles) console.warn('the trace files of ../shared/traces are not here: their import is not tested');

/** How many spans a file holds, counted without any decoder. */
function countSpans(document: unknown): number {
  if (Array.isArray(document)) return document.flat().length;
  const { data, resourceSpans } = document as Record<
    string,
    { spans: unknown[]; scopeSpans: { spans: unknown[] }[] }[] | undefined
  >;
  if (data !== undefined) return data.reduce((sum, trace) => sum + trace.spans.length, 0);
  return (resourceSpans ?? [])
    .flatMap((resource) => resource.scopeSpans)
    .reduce((sum, scope) => sum + scope.spans.length, 0);
}

describe.skipIf(!hasFiles)('files of real tracers', () => {
  const names = hasFiles ? readdirSync(FILES).filter((name) => /^(?:jaeger|otlp|zipkin)-.*\.json$/.test(name)) : [];

  it.each(names)('%s is imported completely, found, and goes out in each format', async (name) => {
    const text = readFileSync(`${FILES}/${name}`, 'utf8');
    const store = createMemoryStore();
    const ask = api(store);
    const result = (await (await importInto(store, text)).json()) as ImportJson;
    expect(result).toMatchObject({ rejected: 0, spans: countSpans(JSON.parse(text)), duplicates: 0, expired: 0 });
    const page = (await (await ask('/traces?limit=1000')).json()) as PageJson;
    expect(page.traces.reduce((sum, trace) => sum + trace.spans, 0)).toBe(result.stored);
    for (const format of ['otlp', 'zipkin', 'jaeger']) {
      const again = createMemoryStore();
      for (const { trace_id } of page.traces) {
        const file = await ask(`/traces/${trace_id}/export?format=${format}`);
        await importInto(again, await file.text());
      }
      const back = (await (await api(again)('/traces?limit=1000')).json()) as PageJson;
      expect(back.traces.map((trace) => [trace.trace_id, trace.spans, trace.duration_us])).toEqual(
        page.traces.map((trace) => [trace.trace_id, trace.spans, trace.duration_us]),
      );
    }
  });
});
