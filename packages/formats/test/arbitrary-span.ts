import type { Kind, SpanData, SpanEvent, SpanLink, Status } from '@forge/core';
import fc from 'fast-check';

const hex = (digits: number) =>
  fc
    .stringMatching(new RegExp(`^[0-9a-f]{${digits}}$`))
    .filter((id) => !/^0+$/.test(id.slice(0, 16)) && !/^0+$/.test(id));

const text = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  fc.constantFrom('', 'true', 'false', '0', '"x": {"a":1}', '\u0000', '\ud83d\ude80', 'x'.repeat(200), 'ü'.repeat(60)),
);

const number = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double(),
  fc.constantFrom(
    -0,
    0,
    1,
    -1,
    127,
    128,
    Number.MAX_SAFE_INTEGER,
    Number.MIN_SAFE_INTEGER,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ),
);

const primitive = fc.oneof(text, number, fc.boolean());
const bytes = fc.uint8Array({ maxLength: 40 }).map((value) => ({ '@bytes': Buffer.from(value).toString('base64') }));
const value = fc.oneof(
  { weight: 8, arbitrary: primitive },
  { weight: 2, arbitrary: fc.array(fc.oneof(primitive, fc.constant(null)), { maxLength: 5 }) },
  { weight: 1, arbitrary: bytes },
  {
    weight: 1,
    arbitrary: fc.dictionary(fc.string({ maxLength: 5 }), fc.oneof(primitive, fc.array(primitive, { maxLength: 3 })), {
      maxKeys: 4,
    }),
  },
);

const key = fc.oneof(
  fc.constantFrom(
    'method',
    'status',
    'http.route',
    'error',
    'event',
    'span.kind.x',
    'a',
    'b',
    'peer.service',
    'network.peer.port',
  ),
  fc
    .string({ minLength: 1, maxLength: 30 })
    .filter((name) => !/^(forge|otel|w3c|otlp|zipkin|jaeger|opentracing)\.|#\d|^span\.kind$|^service\./.test(name)),
);

const attributes = fc
  .uniqueArray(fc.tuple(key, value), { selector: ([name]) => name, maxLength: 6 })
  .map((pairs) => pairs.flat() as unknown[]);

const count = fc.oneof(
  { weight: 4, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.nat({ max: 4_000_000_000 }) },
);
const traceState = fc.option(fc.constantFrom('ot=th:e666,other=1', 'a=b', 'ot=th:8'), { nil: undefined });
const unixUs = fc.integer({ min: 1, max: 4_102_444_800_000_000 });

const event: fc.Arbitrary<SpanEvent> = fc.record({ name: text, unixUs, attributes, droppedAttributes: count });

const link: fc.Arbitrary<SpanLink> = fc.record({
  traceId: hex(32),
  spanId: hex(16),
  traceState,
  flags: fc.nat({ max: 255 }),
  attributes,
  droppedAttributes: count,
});

const origin = fc.record({
  serviceName: fc.oneof(
    text.filter((name) => name !== ''),
    fc.constant('shop'),
  ),
  nodeId: fc.option(fc.uuid(), { nil: undefined }),
  attributes,
});

const scope = fc.record({
  name: fc.constantFrom('', 'lib', '@forge/instrumentation-http', '@forge/instrumentation-postgres'),
  version: fc.option(fc.constantFrom('1.0.0', 'v2'), { nil: undefined }),
  attributes,
});

/** Any span that the types allow, as a decoder of a foreign format may have made it. */
export const arbitrarySpan: fc.Arbitrary<SpanData> = fc
  .record({
    traceId: fc.oneof(hex(32), hex(16)),
    spanId: hex(16),
    parentSpanId: fc.option(hex(16), { nil: undefined }),
    name: fc.oneof(text, fc.constantFrom('http.request', 'http.client', 'db.query', 'grpc.call')),
    resource: fc.option(text, { nil: undefined }),
    kind: fc.nat({ max: 4 }) as fc.Arbitrary<Kind>,
    startUnixUs: unixUs,
    durationUs: fc.oneof(fc.constant(0), fc.nat(), fc.integer({ min: 0, max: 10_000_000_000_000 })),
    status: fc.nat({ max: 2 }) as fc.Arbitrary<Status>,
    statusMessage: fc.option(
      text.filter((message) => message !== ''),
      { nil: undefined },
    ),
    attributes,
    events: fc.array(event, { maxLength: 3 }),
    links: fc.array(link, { maxLength: 3 }),
    origin,
    scope,
    traceState,
    flags: fc.nat({ max: 255 }),
    weight: fc.constantFrom(1, 1, 10, 2.5),
    droppedAttributes: count,
    droppedEvents: count,
    droppedLinks: count,
  })
  .map(({ resource, ...span }) => ({ ...span, resource: resource ?? span.name }));

export const arbitrarySpans = fc.array(arbitrarySpan, { maxLength: 6 });
