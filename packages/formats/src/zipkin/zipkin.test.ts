import { attributesToObject, Kind, Status, type SpanData } from '@forge/core';
import { makeSpan } from '@forge/testing';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { arbitrarySpans } from '../../test/arbitrary-span.ts';
import { asText, comparable, jsonForm } from '../../test/comparable.ts';
import { everything } from '../../test/everything.ts';
import { outcomesOfDamage, READ_OR_REFUSED } from '../../test/mutations.ts';
import { decodeZipkinJson } from './decode.ts';
import { encodeZipkinJson } from './encode.ts';

const schema = JSON.parse(
  readFileSync(new URL('../../test/fixtures/zipkin-v2.schema.json', import.meta.url), 'utf8'),
) as object;
const ajv = new Ajv({ strict: false, allErrors: true });
addFormats.default(ajv);
const isValid = ajv.compile(schema);

type ZipkinJson = Record<string, unknown>;

function encoded(...spans: SpanData[]): ZipkinJson[] {
  return JSON.parse(encodeZipkinJson(spans)) as ZipkinJson[];
}

function decoded(...spans: ZipkinJson[]): SpanData[] {
  return decodeZipkinJson(JSON.stringify(spans)).spans;
}

const TRACE = '5af7183fb1d4cf5f5af7183fb1d4cf5f';

describe('encoding Zipkin v2', () => {
  it('writes a span in the words of Zipkin', () => {
    expect(encoded(everything)).toEqual([
      {
        traceId: everything.traceId,
        id: everything.spanId,
        parentId: everything.parentSpanId,
        name: 'db.query',
        kind: 'CLIENT',
        timestamp: everything.startUnixUs,
        duration: everything.durationUs,
        localEndpoint: { serviceName: 'shop' },
        remoteEndpoint: { serviceName: 'postgresql' },
        annotations: [
          {
            timestamp: 1_767_225_600_200_000,
            value: '"exception": {"exception.type":"PostgresError","otel.dropped_attributes_count":2}',
          },
        ],
        tags: {
          table: 'users',
          rows: '3',
          ratio: '0.5',
          prepared: 'true',
          ids: '[1,2]',
          deep: '{"a":["b",null]}',
          raw: '{"@bytes":"AQID"}',
          error: 'relation "users" does not exist',
          'forge.resource': 'SELECT users',
          'forge.weight': '10',
          'forge.links':
            '[{"trace_id":"1af7651916cd43dd8448eb211c80319c","span_id":"c7ad6b7169203331","trace_state":"a=b","flags":3,"attributes":{"why":"batch"},"dropped_attributes":1}]',
          'w3c.tracestate': 'ot=th:e666,other=1',
          'otel.scope.name': '@forge/instrumentation-postgres',
          'otel.scope.version': '1.2.3',
          'otel.scope.attributes.k': 'v',
          'otel.resource.host.name': 'h1',
          'otel.resource.service.instance.id': '0a1b2c3d-0000-4000-8000-00000000c0de',
          'otel.dropped_attributes_count': '4',
          'otel.dropped_events_count': '5',
          'otel.dropped_links_count': '6',
        },
      },
    ]);
  });

  it('keeps to the published schema for any span', () => {
    fc.assert(
      fc.property(arbitrarySpans, (spans) => {
        const valid = isValid(JSON.parse(encodeZipkinJson(spans)));
        expect(isValid.errors ?? []).toEqual([]);
        expect(valid).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  it('has durations of at least 1, and reads 0 back', () => {
    const span = makeSpan({ durationUs: 0 });
    expect(encoded(span)[0]).toMatchObject({ duration: 1 });
    expect(decodeZipkinJson(encodeZipkinJson([span])).spans[0].durationUs).toBe(0);
  });

  it.each([
    [
      ['peer.service', 'stripe', 'network.peer.address', '10.0.0.1', 'network.peer.port', 443],
      { serviceName: 'stripe', ipv4: '10.0.0.1', port: 443 },
    ],
    [['network.peer.address', '::1'], { ipv6: '::1' }],
    [['network.peer.address', 'not an address', 'network.peer.port', 70_000], undefined],
  ])('makes the remote endpoint of %j', (attributes, remoteEndpoint) => {
    expect(encoded(makeSpan({ kind: Kind.client, attributes }))[0]['remoteEndpoint']).toEqual(remoteEndpoint);
  });

  it("names the other side of Forge's own calls, and takes the name for no tag on the way back", () => {
    const call = makeSpan({
      name: 'http.client',
      resource: 'api.stripe.com',
      kind: Kind.client,
      scope: { name: '@forge/instrumentation-fetch', version: undefined, attributes: [] },
    });
    expect(encoded(call)[0]).toMatchObject({ remoteEndpoint: { serviceName: 'api.stripe.com' } });
    expect(decodeZipkinJson(encodeZipkinJson([call])).spans[0].attributes).toEqual([]);
    const named = { ...call, attributes: ['peer.service', 'api.stripe.com'] };
    expect(decodeZipkinJson(encodeZipkinJson([named])).spans[0].attributes).toEqual(named.attributes);
  });
});

describe('decoding Zipkin v2', () => {
  it('reads any span that was written as the same span, its values as text', () => {
    fc.assert(
      fc.property(arbitrarySpans, (spans) => {
        const { spans: back, rejected } = decodeZipkinJson(encodeZipkinJson(spans));
        expect(rejected).toBe(0);
        const byId = (list: readonly SpanData[]) =>
          new Map(list.map((span) => [span.traceId + span.spanId, comparable(span, asText, jsonForm)]));
        const expected = spans.map((span) => ({ ...span, events: unique(span.events) }));
        expect(byId(back)).toEqual(byId(expected));
      }),
      { numRuns: 150 },
    );
  });

  it('gives the server half of a shared span an id of its own, and its children with it', () => {
    const [client, server, query, other] = decoded(
      {
        traceId: TRACE,
        id: 'a000000000000001',
        parentId: 'f000000000000000',
        kind: 'CLIENT',
        name: 'get',
        timestamp: 1000,
        duration: 100,
        localEndpoint: { serviceName: 'web', ipv4: '10.0.0.1' },
      },
      {
        traceId: TRACE,
        id: 'a000000000000001',
        parentId: 'f000000000000000',
        kind: 'SERVER',
        name: 'get /x',
        timestamp: 1010,
        duration: 80,
        shared: true,
        localEndpoint: { serviceName: 'api', ipv4: '10.0.0.2' },
      },
      {
        traceId: TRACE,
        id: 'b000000000000001',
        parentId: 'a000000000000001',
        kind: 'CLIENT',
        timestamp: 1020,
        duration: 5,
        localEndpoint: { serviceName: 'api', ipv4: '10.0.0.2' },
      },
      {
        traceId: TRACE,
        id: 'c000000000000001',
        parentId: 'a000000000000001',
        timestamp: 1005,
        duration: 1,
        localEndpoint: { serviceName: 'web', ipv4: '10.0.0.1' },
      },
    );
    expect(client).toMatchObject({ spanId: 'a000000000000001', parentSpanId: 'f000000000000000' });
    expect(server.spanId).toMatch(/^(?!a000000000000001)[0-9a-f]{16}$/);
    expect(server.parentSpanId).toBe('a000000000000001');
    expect(query.parentSpanId).toBe(server.spanId);
    expect(other.parentSpanId).toBe('a000000000000001');
    expect(
      decoded({
        traceId: TRACE,
        id: 'a000000000000001',
        kind: 'SERVER',
        timestamp: 1010,
        duration: 80,
        shared: true,
        localEndpoint: { serviceName: 'api', ipv4: '10.0.0.2' },
      })[0].spanId,
    ).toBe(server.spanId);
    // Back to what it was.
    expect(encoded(client, server, query, other).map(({ id, parentId, shared }) => [id, parentId, shared])).toEqual([
      ['a000000000000001', 'f000000000000000', undefined],
      ['a000000000000001', 'f000000000000000', true],
      ['b000000000000001', 'a000000000000001', undefined],
      ['c000000000000001', 'a000000000000001', undefined],
    ]);
  });

  it('separates halves of one id though the report does not say shared', () => {
    const spans = decoded(
      {
        traceId: TRACE,
        id: 'a000000000000001',
        kind: 'CLIENT',
        timestamp: 1000,
        duration: 100,
        localEndpoint: { serviceName: 'web' },
      },
      {
        traceId: TRACE,
        id: 'a000000000000001',
        kind: 'SERVER',
        timestamp: 1010,
        duration: 80,
        localEndpoint: { serviceName: 'api' },
      },
    );
    expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(2);
    expect(encoded(...spans).map(({ id, shared }) => [id, shared])).toEqual([
      ['a000000000000001', undefined],
      ['a000000000000001', undefined],
    ]);
  });

  it('keeps several servers of one shared id apart', () => {
    const server = (timestamp: number, ipv4: string) => ({
      traceId: TRACE,
      id: 'a000000000000001',
      kind: 'SERVER',
      shared: true,
      timestamp,
      localEndpoint: { serviceName: 'pusher', ipv4 },
    });
    const spans = decoded(server(1, '10.0.0.1'), server(2, '10.0.0.1'), server(1, '10.0.0.2'));
    expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(3);
  });

  it.each([
    ['its first annotation', { annotations: [{ timestamp: 50, value: 'x' }] }, [], 50],
    ['its parent', { parentId: 'b000000000000001' }, [{ traceId: TRACE, id: 'b000000000000001', timestamp: 70 }], 70],
    [
      'its trace',
      {},
      [
        { traceId: TRACE, id: 'c000000000000001', timestamp: 90 },
        { traceId: TRACE, id: 'd000000000000001', timestamp: 80 },
      ],
      80,
    ],
  ])('takes a missing timestamp from %s, and leaves it out again', (_what, fields, others, startUnixUs) => {
    const [span] = decoded({ traceId: TRACE, id: 'a000000000000001', ...fields }, ...others);
    expect(span).toMatchObject({ startUnixUs, durationUs: 0 });
    expect(encoded(span)[0]).not.toHaveProperty('timestamp');
    expect(encoded(span)[0]).not.toHaveProperty('duration');
    expect(encoded(span)[0]).not.toHaveProperty('tags');
  });

  it('has now for the start of a span of which nothing is known', () => {
    const [span] = decoded({ traceId: TRACE, id: 'a000000000000001' });
    expect(Math.abs(span.startUnixUs / 1000 - Date.now())).toBeLessThan(60_000);
  });

  it.each([
    ['401', Status.error, '401', {}],
    ['', Status.error, undefined, {}],
    ['true', Status.error, undefined, { error: 'true' }],
    ['false', Status.unset, undefined, { error: 'false' }],
  ])('reads the tag error=%j', (error, status, statusMessage, left) => {
    const [span] = decoded({ traceId: TRACE, id: 'a000000000000001', timestamp: 1, duration: 1, tags: { error } });
    expect(span).toMatchObject({ status, statusMessage });
    expect(attributesToObject(span.attributes)).toEqual(left);
    expect(encoded(span)[0]['tags']).toEqual({ error });
  });

  it('reads ids of 64 bits, in upper case, with their zeros', () => {
    const [short, long, zeros] = decoded(
      { traceId: '5AF7183FB1D4CF5F', id: 'A000000000000001', timestamp: 1 },
      { traceId: TRACE, id: 'a000000000000001', timestamp: 1 },
      { traceId: `0000000000000000${TRACE.slice(16)}`, id: 'a000000000000001', timestamp: 1 },
    );
    expect([short.traceId, long.traceId, zeros.traceId]).toEqual(['5af7183fb1d4cf5f', TRACE, '5af7183fb1d4cf5f']);
  });

  it('reads lists of traces, and leaves out what is no span', () => {
    const span = { traceId: TRACE, id: 'a000000000000001', timestamp: 1 };
    const result = decodeZipkinJson(
      JSON.stringify([
        [span, { id: 'x' }],
        [{ ...span, id: 'b000000000000001' }, 7],
      ]),
    );
    expect(result.spans).toHaveLength(2);
    expect(result).toMatchObject({ rejected: 2, reason: 'span "": invalid traceId' });
    expect(() => decodeZipkinJson('{}')).toThrow('not a list of spans');
  });

  it('refuses damaged documents with a reason, or reads them as something else', () => {
    const bytes = Buffer.from(encodeZipkinJson([everything, makeSpan()]));
    for (const outcome of outcomesOfDamage(bytes, decodeZipkinJson)) expect(outcome).toMatch(READ_OR_REFUSED);
  });
});

describe('decoding Zipkin v1', () => {
  const web = { serviceName: 'web', ipv4: '10.0.0.1' };
  const api = { serviceName: 'api', ipv4: '10.0.0.2', port: 8080 };

  it('makes two spans of one into which client and server wrote', () => {
    const spans = decoded({
      traceId: '5af7183fb1d4cf5f',
      id: 'a000000000000001',
      parentId: 'f000000000000000',
      name: 'get',
      timestamp: 1000,
      duration: 100,
      annotations: [
        { timestamp: 1000, value: 'cs', endpoint: web },
        { timestamp: 1010, value: 'sr', endpoint: api },
        { timestamp: 1050, value: 'cache miss', endpoint: api },
        { timestamp: 1090, value: 'ss', endpoint: api },
        { timestamp: 1100, value: 'cr', endpoint: web },
      ],
      binaryAnnotations: [
        { key: 'http.path', value: '/x', endpoint: web },
        { key: 'http.status_code', value: '200', endpoint: api },
        { key: 'sa', value: true, endpoint: api },
        { key: 'ca', value: true, endpoint: web },
      ],
    });
    expect(spans).toHaveLength(2);
    const [client, server] = spans;
    expect(client).toMatchObject({
      kind: Kind.client,
      startUnixUs: 1000,
      durationUs: 100,
      spanId: 'a000000000000001',
      origin: { serviceName: 'web' },
      events: [],
    });
    expect(attributesToObject(client.attributes)).toEqual({
      'http.path': '/x',
      'peer.service': 'api',
      'network.peer.address': '10.0.0.2',
      'network.peer.port': 8080,
    });
    expect(server).toMatchObject({
      kind: Kind.server,
      startUnixUs: 1010,
      durationUs: 80,
      parentSpanId: 'a000000000000001',
      origin: { serviceName: 'api' },
      events: [{ name: 'cache miss', unixUs: 1050 }],
    });
    expect(attributesToObject(server.attributes)).toMatchObject({
      'http.status_code': '200',
      'peer.service': 'web',
      'zipkin.shared': true,
    });
  });

  it('takes a server that reports no times of its own for one that shares its span', () => {
    const [span] = decoded({
      traceId: TRACE,
      id: 'a000000000000001',
      annotations: [
        { timestamp: 10, value: 'sr', endpoint: api },
        { timestamp: 30, value: 'ss', endpoint: api },
      ],
    });
    expect(span).toMatchObject({
      kind: Kind.server,
      startUnixUs: 10,
      durationUs: 20,
      parentSpanId: 'a000000000000001',
    });
  });

  it('reads local spans and messages', () => {
    const [local, producer] = decoded(
      {
        traceId: TRACE,
        id: 'a000000000000001',
        timestamp: 5,
        duration: 6,
        binaryAnnotations: [{ key: 'lc', value: 'worker', endpoint: web }],
      },
      {
        traceId: TRACE,
        id: 'b000000000000001',
        timestamp: 5,
        annotations: [{ timestamp: 5, value: 'ms', endpoint: web }],
        binaryAnnotations: [{ key: 'ma', value: true, endpoint: { serviceName: 'kafka' } }],
      },
    );
    expect(local).toMatchObject({ kind: Kind.internal, startUnixUs: 5, durationUs: 6, origin: { serviceName: 'web' } });
    expect(attributesToObject(local.attributes)).toEqual({ lc: 'worker' });
    expect(producer).toMatchObject({ kind: Kind.producer });
    expect(attributesToObject(producer.attributes)).toMatchObject({ 'peer.service': 'kafka' });
  });
});

/** Zipkin has each annotation once. */
function unique(events: SpanData['events']): SpanData['events'] {
  const seen = new Set<string>();
  return events.filter((event) => {
    const key = JSON.stringify([event.name, event.unixUs, event.attributes.map(jsonForm), event.droppedAttributes]);
    return !seen.has(key) && seen.add(key);
  });
}
