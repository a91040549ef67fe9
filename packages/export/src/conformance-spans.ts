import { Kind, Status, type SpanData } from '@forge/core';
import { randomBytes } from 'node:crypto';

const NODE_ID = '0a1b2c3d-0000-4000-8000-00000000c0de';

function span(fields: Partial<SpanData>): SpanData {
  return {
    traceId: randomBytes(16).toString('hex'),
    spanId: randomBytes(8).toString('hex'),
    parentSpanId: undefined,
    name: 'http.request',
    resource: 'GET /conformance',
    kind: Kind.server,
    startUnixUs: Date.now() * 1000,
    durationUs: 1500,
    status: Status.unset,
    statusMessage: undefined,
    attributes: [],
    events: [],
    links: [],
    origin: { serviceName: 'conformance', nodeId: NODE_ID, attributes: [] },
    scope: { name: 'conformance', version: '1.0.0', attributes: [] },
    traceState: undefined,
    flags: 1,
    weight: 1,
    droppedAttributes: 0,
    droppedEvents: 0,
    droppedLinks: 0,
    ...fields,
  };
}

/** `size` ordinary spans of one fresh trace. */
export function plainSpans(size: number): SpanData[] {
  const root = span({ attributes: ['method', 'GET', 'path', '/conformance', 'status', 200] });
  const children = Array.from({ length: size - 1 }, (_, i) =>
    span({
      traceId: root.traceId,
      parentSpanId: root.spanId,
      name: 'db.query',
      resource: 'SELECT users',
      kind: Kind.client,
      startUnixUs: root.startUnixUs + i,
      attributes: ['operation', 'SELECT', 'table', 'users', 'rows', i],
    }),
  );
  return [root, ...children];
}

/** Everything that a span's types allow and that a careless encoder trips over. */
export function oddSpans(): SpanData[] {
  const startUnixUs = Date.now() * 1000;
  const values: unknown[] = [
    ['nan', Number.NaN, 'inf', Number.POSITIVE_INFINITY, '-inf', Number.NEGATIVE_INFINITY, 'zero', -0],
    ['max', Number.MAX_SAFE_INTEGER, 'min', Number.MIN_SAFE_INTEGER, 'huge', 1e300, 'tiny', 5e-324, 'half', 0.5],
    ['empty', '', 'lone', 'a\ud800b', 'low', '\udc00', 'emoji', '\u{1f680}', 'rtl', '\u202eabc'],
    ['lines', 'a\r\n\t"\\\u0001b', 'long', 'x'.repeat(4096), 'wide', '\u00e9'.repeat(100)],
    ['array', ['a', null, undefined, 'b'], 'numbers', [1, 0.5], 'none', [], 'flags', [true, false]],
    ['deep', { a: [{ b: { c: null } }] }, 'nothing', null, 'nul', 'a\u0000b'],
    ['__proto__', 'x', 'constructor', 'y', 'key with "quotes"', 'z', 'a.b.c', true],
  ];
  const odd = values.map((attributes) => span({ startUnixUs, attributes: attributes as unknown[] }));
  const { traceId, spanId } = odd[0];
  odd.push(
    span({ startUnixUs, durationUs: 0, name: '', resource: '' }),
    span({ startUnixUs, name: '\u{1f680}'.repeat(100), resource: '/'.repeat(255) }),
    span({ startUnixUs, status: Status.error, statusMessage: 'declined: "no\nmoney"', durationUs: 86_400_000_000 }),
    span({
      startUnixUs,
      traceState: 'ot=th:e666,other=1',
      flags: 3,
      weight: 10,
      droppedAttributes: 7,
      droppedEvents: 8,
      droppedLinks: 9,
    }),
    span({
      startUnixUs,
      kind: Kind.consumer,
      links: [{ traceId, spanId, traceState: 'a=b', flags: 1, attributes: ['why', 'batch'], droppedAttributes: 1 }],
      events: [
        { name: 'exception', unixUs: startUnixUs, attributes: ['exception.message', 'x'], droppedAttributes: 2 },
        { name: '', unixUs: startUnixUs - 1, attributes: [], droppedAttributes: 0 },
      ],
    }),
    span({
      startUnixUs,
      origin: { serviceName: '', nodeId: undefined, attributes: ['host.name', 'h', 'list', [1, 2]] },
      scope: { name: '', version: undefined, attributes: ['k', 1] },
    }),
  );
  return odd;
}
