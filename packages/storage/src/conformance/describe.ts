import { attributesToObject, Kind, Status, type SpanData } from '@forge/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TraceQuery, TraceStore } from '../contract.ts';
import { freshTraceId, SAMPLE_START_US, sampleSpan } from './sample-span.ts';

const PLAIN: TraceQuery = { sort: 'newest', limit: 50 };
const MINUTE_US = 60_000_000;
const RANGE = { startUnixUs: SAMPLE_START_US - 1, endUnixUs: SAMPLE_START_US + 3_600_000_000 };

/** Runs the suite. `makeStore` is called once; the store is closed at the end. */
export function describeTraceStore(name: string, makeStore: () => Promise<TraceStore>): void {
  describe(`${name} is a trace store: it`, () => {
    let store: TraceStore;
    beforeAll(async () => {
      store = await makeStore();
    });
    afterAll(() => store.close());

    const ids = async (query: Partial<TraceQuery>): Promise<string[]> =>
      (await store.search({ ...PLAIN, ...query })).traces.map((trace) => trace.traceId);

    it('gives a span back as it was', async () => {
      const span = sampleSpan({
        name: 'http.client',
        resource: 'POST payments',
        parentSpanId: 'abcdefabcdefabcd',
        kind: Kind.client,
        offsetUs: 123_457,
        durationUs: 65_432,
        status: Status.error,
        statusMessage: 'card declined',
        attributes: [
          'method',
          'POST',
          'status',
          402,
          'cached',
          false,
          'ratio',
          0.25,
          'ids',
          [1, 2],
          'names',
          ['a', null],
        ],
        events: [
          {
            name: 'exception',
            unixUs: SAMPLE_START_US + 7,
            attributes: ['exception.message', 'no'],
            droppedAttributes: 2,
          },
        ],
        links: [
          {
            traceId: freshTraceId(),
            spanId: '00000000000000aa',
            traceState: 'a=b',
            flags: 1,
            attributes: ['why', 'retry'],
            droppedAttributes: 1,
          },
        ],
        traceState: 'ot=th:e666,other=1',
        flags: 1,
        weight: 10,
        droppedAttributes: 1,
        droppedEvents: 2,
        droppedLinks: 3,
      });
      await store.write([span]);
      expect((await store.trace(span.traceId))?.spans.map(plain)).toEqual([plain(span)]);
    });

    it('tells an explicit OK from an unset status', async () => {
      const span = sampleSpan({ status: Status.ok });
      await store.write([span]);
      expect((await store.trace(span.traceId))?.spans[0]?.status).toBe(Status.ok);
      expect(await ids({ status: 'ok', service: 'shop', startUnixUs: span.startUnixUs })).toContain(span.traceId);
    });

    it('knows nothing of a trace that was never stored', async () => {
      expect(await store.trace(freshTraceId())).toBeUndefined();
    });

    it('stores a repeated span once and says so', async () => {
      const traceId = freshTraceId();
      const [a, b, c] = [1, 2, 3].map((offsetUs) => sampleSpan({ traceId, offsetUs }));
      expect(await store.write([a, b])).toMatchObject({ stored: 2, duplicates: 0 });
      expect(await store.write([b, c, c])).toMatchObject({ stored: 1, duplicates: 2 });
      expect((await store.trace(traceId))?.spans.map((span) => span.spanId)).toEqual(
        [a, b, c].map((span) => span.spanId),
      );
    });

    it('keeps each span once when the same batch arrives several times at once', async () => {
      const traceId = freshTraceId();
      const batch = Array.from({ length: 20 }, (_, i) => sampleSpan({ traceId, offsetUs: i }));
      const results = await Promise.all([store.write(batch), store.write(batch), store.write(batch)]);
      expect(results.reduce((sum, result) => sum + result.stored, 0)).toBe(20);
      expect((await store.trace(traceId))?.spans).toHaveLength(20);
    });

    it('takes an empty batch', async () => {
      expect(await store.write([])).toMatchObject({ stored: 0, duplicates: 0 });
    });

    it('takes what no column can hold, cut or cleaned', async () => {
      const span = sampleSpan({
        name: 'n'.repeat(1000),
        resource: `r\0${'😀'.repeat(300)}`,
        statusMessage: 'a\0b\ud800c',
        attributes: [
          'nan',
          Number.NaN,
          'inf',
          Number.NEGATIVE_INFINITY,
          'text',
          'x\0y\udc00z',
          'k\0ey',
          1,
          'big',
          2 ** 53,
        ],
        durationUs: 4_000_000_000_000,
      });
      expect(await store.write([span])).toMatchObject({ stored: 1 });
      expect((await store.trace(span.traceId))?.spans).toHaveLength(1);
    });

    it('takes spans of long ago and of a broken clock', async () => {
      const traceId = freshTraceId();
      const years = [0, 1, 20, 40].map((year) => sampleSpan({ traceId, offsetUs: -year * 31_536_000_000_000 }));
      const future = sampleSpan({ traceId, offsetUs: 100 * 31_536_000_000_000 });
      expect(await store.write([...years, future])).toMatchObject({ stored: 5 });
      expect((await store.trace(traceId))?.spans).toHaveLength(5);
    });

    it('lists spans by start, then by id', async () => {
      const traceId = freshTraceId();
      const spans = [
        sampleSpan({ traceId, spanId: '000000000000000b', offsetUs: 5 }),
        sampleSpan({ traceId, spanId: '000000000000000a', offsetUs: 5 }),
        sampleSpan({ traceId, spanId: '000000000000000c', offsetUs: 1 }),
      ];
      await store.write(spans);
      expect((await store.trace(traceId))?.spans.map((span) => span.spanId.at(-1))).toEqual(['c', 'a', 'b']);
    });

    it('matches a trace when one of its spans meets all conditions together', async () => {
      const traceId = freshTraceId();
      await store.write([
        sampleSpan({
          traceId,
          service: 'one',
          name: 'function.execute',
          resource: 'create_it',
          durationUs: 5000,
          attributes: ['user', 'u7', 'n', 7],
        }),
        sampleSpan({
          traceId,
          service: 'two',
          name: 'db.query',
          resource: 'SELECT it',
          durationUs: 90,
          status: Status.error,
          statusMessage: 'Deadlock found',
        }),
      ]);
      expect(await ids({ service: 'one', operation: 'create_it' })).toEqual([traceId]);
      expect(await ids({ service: 'one', operation: 'function.execute' })).toEqual([traceId]);
      expect(await ids({ service: 'two', operation: 'create_it' })).toEqual([]);
      expect(await ids({ service: 'one', minDurationUs: 5000, maxDurationUs: 5000 })).toEqual([traceId]);
      expect(await ids({ service: 'one', minDurationUs: 5001 })).toEqual([]);
      expect(await ids({ service: 'one', maxDurationUs: 4999 })).toEqual([]);
      expect(await ids({ service: 'two', status: 'error' })).toEqual([traceId]);
      expect(await ids({ service: 'one', status: 'error' })).toEqual([]);
      expect(
        await ids({
          tags: [
            ['user', 'u7'],
            ['n', '7'],
          ],
          service: 'one',
        }),
      ).toEqual([traceId]);
      expect(await ids({ tags: [['user', 'u8']], service: 'one' })).toEqual([]);
      expect(await ids({ text: 'deadLOCK', service: 'two' })).toEqual([traceId]);
      expect(await ids({ text: 'U7', service: 'one' })).toEqual([traceId]);
      expect(await ids({ text: '%', service: 'one' })).toEqual([]);
    });

    it('bounds the time of the matching span: start inclusive, end exclusive', async () => {
      const span = sampleSpan({ service: 'bounds', offsetUs: 1_000_000 });
      await store.write([span]);
      const at = span.startUnixUs;
      expect(await ids({ service: 'bounds', startUnixUs: at, endUnixUs: at + 1 })).toEqual([span.traceId]);
      expect(await ids({ service: 'bounds', startUnixUs: at + 1 })).toEqual([]);
      expect(await ids({ service: 'bounds', endUnixUs: at })).toEqual([]);
    });

    it('summarizes a trace over all its spans', async () => {
      const traceId = freshTraceId();
      const root = sampleSpan({ traceId, service: 'sum-a', resource: 'POST /x', offsetUs: 100, durationUs: 1000 });
      const child = sampleSpan({
        traceId,
        service: 'sum-b',
        parentSpanId: root.spanId,
        offsetUs: 200,
        durationUs: 5000,
        status: Status.error,
      });
      await store.write([child]);
      await store.write([root]);
      expect((await store.search({ ...PLAIN, service: 'sum-a' })).traces).toEqual([
        {
          traceId,
          root: { name: 'http.request', resource: 'POST /x', service: 'sum-a', status: 'ok' },
          startUnixUs: SAMPLE_START_US + 100,
          durationUs: 5100,
          spans: 2,
          errors: 1,
          services: [
            { name: 'sum-a', spans: 1, errors: 0 },
            { name: 'sum-b', spans: 1, errors: 1 },
          ],
          kept: 'head',
          longestMatchUs: 1000,
        },
      ]);
    });

    it('sorts over all stored traces and pages through them without a gap, while new ones arrive', async () => {
      const service = 'paged';
      const make = (i: number) =>
        Array.from({ length: (i % 4) + 1 }, (_, n) =>
          sampleSpan({
            traceId: `${'0'.repeat(24)}${i.toString().padStart(8, '0')}`,
            service,
            offsetUs: (i % 5) * 1000 + n,
            durationUs: ((i * 7) % 6) * 100,
            status: n < i % 3 ? Status.error : Status.unset,
          }),
        );
      await store.write(Array.from({ length: 23 }, (_, i) => make(i + 1)).flat());
      for (const sort of ['newest', 'longest', 'longest_span', 'most_errors', 'most_spans'] as const) {
        const all = await store.search({ ...PLAIN, service, sort });
        expect(all.traces).toHaveLength(23);
        expect(all.next).toBeUndefined();
        const paged: string[] = [];
        let cursor: string | undefined;
        do {
          const page = await store.search({ service, sort, limit: 5, ...(cursor === undefined ? {} : { cursor }) });
          paged.push(...page.traces.map((trace) => trace.traceId));
          cursor = page.next;
        } while (cursor !== undefined);
        expect(paged).toEqual(all.traces.map((trace) => trace.traceId));
      }
      const first = await store.search({ service, sort: 'newest', limit: 20 });
      await store.write([sampleSpan({ service, offsetUs: 3_000_000 })]);
      const second = await store.search({ service, sort: 'newest', limit: 20, cursor: first.next! });
      expect(new Set([...first.traces, ...second.traces].map((trace) => trace.traceId)).size).toBe(23);
    });

    it('refuses a limit, a sort and a cursor that it does not know', async () => {
      await expect(store.search({ sort: 'newest', limit: 0 })).rejects.toMatchObject({
        code: 'FORGE_STORAGE_QUERY_INVALID',
      });
      await expect(store.search({ sort: 'newest', limit: 1001 })).rejects.toMatchObject({
        code: 'FORGE_STORAGE_QUERY_INVALID',
      });
      await expect(store.search({ ...PLAIN, sort: 'oldest' as never })).rejects.toMatchObject({
        code: 'FORGE_STORAGE_QUERY_INVALID',
      });
      await expect(store.search({ ...PLAIN, cursor: 'nonsense' })).rejects.toMatchObject({
        code: 'FORGE_STORAGE_CURSOR_INVALID',
      });
    });

    it('lists services and operations of a time range', async () => {
      await store.write([
        sampleSpan({ service: 'names-a', name: 'db.query', resource: 'SELECT b' }),
        sampleSpan({ service: 'names-a', name: 'db.query', resource: 'SELECT a' }),
        sampleSpan({ service: 'names-b', name: 'db.query', resource: 'SELECT c', offsetUs: 3_600_000_000 }),
      ]);
      const services = await store.services(RANGE);
      expect(services).toContain('names-a');
      expect(services).not.toContain('names-b');
      expect(services).toEqual([...services].sort());
      expect(await store.operations(RANGE, 'names-a')).toEqual([
        { name: 'db.query', resource: 'SELECT a' },
        { name: 'db.query', resource: 'SELECT b' },
      ]);
    });

    it('lists tags and their values, an array by its elements', async () => {
      const spans = [
        { method: 'POST', status: 201, list: ['x', 'y'] },
        { method: 'GET', status: 200, cached: true },
        { method: 'GET', long: 'l'.repeat(201) },
      ].map((tags) => sampleSpan({ service: 'tags', attributes: Object.entries(tags).flat() }));
      await store.write([...spans, sampleSpan({ service: 'other', attributes: ['foreign', 1] })]);
      expect(await store.tagKeys(RANGE, 'tags')).toEqual(['cached', 'list', 'long', 'method', 'status']);
      expect(await store.tagKeys(RANGE)).toContain('foreign');
      const values = (key: string, more: object = {}): Promise<unknown> =>
        store.tagValues({ ...RANGE, service: 'tags', key, limit: 10, ...more });
      expect(await values('method')).toEqual({ values: ['GET', 'POST'], complete: true });
      expect(await values('method', { limit: 1 })).toEqual({ values: ['GET'], complete: false });
      expect(await values('method', { prefix: 'P' })).toEqual({ values: ['POST'], complete: true });
      expect(await values('status')).toEqual({ values: ['200', '201'], complete: true });
      expect(await values('list')).toEqual({ values: ['x', 'y'], complete: true });
      expect(await values('long')).toEqual({ values: [], complete: false });
      expect(await values('absent')).toEqual({ values: [], complete: true });
    });

    it('counts requests, errors and durations over time, weighted, a repeated span once', async () => {
      const service = 'rates';
      const batch = [
        sampleSpan({ service, resource: 'a', durationUs: 10, offsetUs: 5 }),
        sampleSpan({ service, resource: 'a', durationUs: 20, offsetUs: MINUTE_US, status: Status.error }),
        sampleSpan({ service, resource: 'b', durationUs: 30, offsetUs: MINUTE_US, weight: 10, kind: Kind.server }),
      ];
      await store.write(batch);
      await store.write(batch.slice(1));
      const range = { startUnixUs: SAMPLE_START_US, endUnixUs: SAMPLE_START_US + 3 * MINUTE_US };
      const found = await store.rates({
        ...range,
        service,
        by: ['resource'],
        stepUs: 1,
        quantiles: [0.5, 1],
        limit: 10,
      });
      const none = { requests: 0, errors: 0, sumUs: 0, maxUs: 0, quantilesUs: [0, 0] };
      const one = { requests: 1, errors: 0, sumUs: 10, maxUs: 10, quantilesUs: [10, 10] };
      const failed = { requests: 1, errors: 1, sumUs: 20, maxUs: 20, quantilesUs: [20, 20] };
      const ten = { requests: 10, errors: 0, sumUs: 300, maxUs: 30, quantilesUs: [30, 30] };
      expect(found).toEqual({
        stepUs: MINUTE_US,
        startsUnixUs: [0, 1, 2].map((minute) => SAMPLE_START_US + minute * MINUTE_US),
        series: [
          { resource: 'b', total: ten, points: [none, ten, none] },
          {
            resource: 'a',
            total: { requests: 2, errors: 1, sumUs: 30, maxUs: 20, quantilesUs: [10, 20] },
            points: [one, failed, none],
          },
        ],
        omitted: 0,
      });
      const all = await store.rates({ ...range, service, by: [], stepUs: 15 * MINUTE_US, limit: 1 });
      expect(all.series.map((series) => [series.total.requests, series.points.map((point) => point.requests)])).toEqual(
        [[12, [12]]],
      );
      const incoming = await store.rates({
        ...range,
        service,
        kinds: [Kind.server],
        by: ['service', 'operation'],
        limit: 1,
      });
      expect(incoming.series.map(({ service, operation, total }) => [service, operation, total.requests])).toEqual([
        ['rates', 'http.request', 10],
      ]);
      expect(await store.rates({ ...range, service, by: ['resource'], limit: 1 })).toMatchObject({ omitted: 1 });
      expect(await store.rates({ ...range, service, operation: 'a', by: [], limit: 1 })).toMatchObject({
        series: [{ total: { requests: 2 } }],
      });
      const heat = await store.heatmap({ ...range, service, stepUs: 1 });
      expect(heat).toEqual({
        stepUs: MINUTE_US,
        startsUnixUs: found.startsUnixUs,
        rowsUs: [8, 12, 16, 24],
        counts: [
          [1, 0, 0, 0],
          [0, 0, 1, 10],
          [0, 0, 0, 0],
        ],
      });
      expect(await store.heatmap({ ...range, service, status: 'error' })).toMatchObject({ rowsUs: [16] });
    });

    it('tells who called whom, whichever of both comes first', async () => {
      const traceId = freshTraceId();
      const root = sampleSpan({ traceId, service: 'edge-a', offsetUs: 40 * MINUTE_US });
      const own = sampleSpan({ traceId, service: 'edge-a', parentSpanId: root.spanId, offsetUs: 40 * MINUTE_US + 1 });
      const child = { traceId, parentSpanId: own.spanId, service: 'edge-b', durationUs: 70 };
      await store.write([sampleSpan({ ...child, offsetUs: 40 * MINUTE_US + 2, status: Status.error })]);
      await store.write([root, own]);
      await store.write([sampleSpan({ ...child, offsetUs: 41 * MINUTE_US, weight: 4 })]);
      const edges = async (fromMinute: number, toMinute: number): Promise<unknown> => {
        const found = await store.edges({
          startUnixUs: SAMPLE_START_US + fromMinute * MINUTE_US,
          endUnixUs: SAMPLE_START_US + toMinute * MINUTE_US,
        });
        return found.filter((edge) => edge.parent.startsWith('edge-'));
      };
      const call = { parent: 'edge-a', child: 'edge-b', maxUs: 70 };
      expect(await edges(40, 42)).toEqual([{ ...call, requests: 5, errors: 1, sumUs: 350 }]);
      expect(await edges(40, 41)).toEqual([{ ...call, requests: 1, errors: 1, sumUs: 70 }]);
      expect(await edges(42, 50)).toEqual([]);
    });

    it('deletes a trace, and takes it again', async () => {
      const span = sampleSpan({ service: 'deleted' });
      await store.write([span]);
      expect(await store.deleteTrace(span.traceId)).toBe(true);
      expect(await store.trace(span.traceId)).toBeUndefined();
      expect(await ids({ service: 'deleted' })).toEqual([]);
      expect(await store.deleteTrace(span.traceId)).toBe(false);
      expect(await store.write([span])).toMatchObject({ stored: 1 });
      expect(await ids({ service: 'deleted' })).toEqual([span.traceId]);
    });
  });
}

/** A span for comparison: attributes as objects, since stores may change their order. */
function plain(span: SpanData): unknown {
  return {
    ...span,
    attributes: attributesToObject(span.attributes),
    events: span.events.map((event) => ({ ...event, attributes: attributesToObject(event.attributes) })),
    links: span.links.map((link) => ({ ...link, attributes: attributesToObject(link.attributes) })),
    origin: { ...span.origin, attributes: attributesToObject(span.origin.attributes) },
    scope: { ...span.scope, attributes: attributesToObject(span.scope.attributes) },
  };
}
