import { Kind, TracerProvider, type SpanData } from '@forge/core';
import { makeSpan } from '@forge/testing';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { arbitrarySpans } from '../../test/arbitrary-span.ts';
import { everything } from '../../test/everything.ts';
import { asIs, comparable } from '../../test/comparable.ts';
import { outcomesOfDamage, READ_OR_REFUSED } from '../../test/mutations.ts';
import { decodeOtlpProtobuf } from './decode-protobuf.ts';
import { createOtlpEncoder, encodeOtlpProtobuf } from './encode-protobuf.ts';

const root = protobuf.loadSync(fileURLToPath(new URL('../../test/fixtures/otlp.proto', import.meta.url)));
const Request = root.lookupType('otlp.ExportTraceServiceRequest');

interface WirePair {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

interface WireSpan extends Readonly<Record<string, unknown>> {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly flags: number;
  readonly attributes: readonly WirePair[];
  readonly links: readonly unknown[];
}

interface WireGroup {
  readonly resource: { readonly attributes: readonly WirePair[] };
  readonly schemaUrl: string;
  readonly scopeSpans: readonly {
    readonly scope: Readonly<Record<string, unknown>>;
    readonly spans: readonly WireSpan[];
  }[];
}

/** What protobufjs reads: an independent decoder. */
function read(bytes: Uint8Array): readonly WireGroup[] {
  const options = { longs: String, bytes: String, enums: String, arrays: true };
  return (Request.toObject(Request.decode(bytes), options) as { resourceSpans: WireGroup[] }).resourceSpans;
}

function readSpan(bytes: Uint8Array): WireSpan {
  return read(bytes)[0].scopeSpans[0].spans[0];
}

function hexOf(base64: string): string {
  return Buffer.from(base64, 'base64').toString('hex');
}

describe('encoding OTLP protobuf', () => {
  it('writes every field where the official messages have it', () => {
    const [group] = read(encodeOtlpProtobuf([everything]));
    expect(group.resource.attributes).toEqual([
      { key: 'service.name', value: { stringValue: 'shop' } },
      { key: 'service.instance.id', value: { stringValue: '0a1b2c3d-0000-4000-8000-00000000c0de' } },
      { key: 'host.name', value: { stringValue: 'h1' } },
    ]);
    expect(group.scopeSpans[0].scope).toMatchObject({
      name: '@forge/instrumentation-postgres',
      version: '1.2.3',
      attributes: [{ key: 'k', value: { stringValue: 'v' } }],
    });
    const span = group.scopeSpans[0].spans[0];
    expect(hexOf(span.traceId)).toBe(everything.traceId);
    expect(hexOf(span.spanId)).toBe(everything.spanId);
    expect(hexOf(span.parentSpanId)).toBe(everything.parentSpanId);
    expect(span).toMatchObject({
      name: 'db.query',
      kind: 'SPAN_KIND_CLIENT',
      startTimeUnixNano: '1767225600123456000',
      endTimeUnixNano: '1767225602623457000',
      traceState: 'ot=th:e666,other=1',
      flags: 3,
      droppedAttributesCount: 4,
      droppedEventsCount: 5,
      droppedLinksCount: 6,
      status: { code: 'STATUS_CODE_ERROR', message: 'relation "users" does not exist' },
      events: [
        {
          timeUnixNano: '1767225600200000000',
          name: 'exception',
          droppedAttributesCount: 2,
          attributes: [{ key: 'exception.type', value: { stringValue: 'PostgresError' } }],
        },
      ],
    });
    expect(span.links[0]).toMatchObject({
      traceState: 'a=b',
      flags: 3,
      droppedAttributesCount: 1,
      attributes: [{ key: 'why', value: { stringValue: 'batch' } }],
    });
    expect(span.attributes).toEqual([
      { key: 'table', value: { stringValue: 'users' } },
      { key: 'rows', value: { intValue: '3' } },
      { key: 'ratio', value: { doubleValue: 0.5 } },
      { key: 'prepared', value: { boolValue: true } },
      { key: 'ids', value: { arrayValue: { values: [{ intValue: '1' }, { intValue: '2' }] } } },
      {
        key: 'deep',
        value: {
          kvlistValue: { values: [{ key: 'a', value: { arrayValue: { values: [{ stringValue: 'b' }, {}] } } }] },
        },
      },
      { key: 'raw', value: { bytesValue: 'AQID' } },
      { key: 'forge.resource', value: { stringValue: 'SELECT users' } },
      { key: 'forge.weight', value: { intValue: '10' } },
    ]);
  });

  it('writes integers of every size and sign', () => {
    const numbers = [
      0,
      1,
      -1,
      127,
      128,
      16_383,
      16_384,
      2 ** 31,
      2 ** 32,
      2 ** 35 + 7,
      -(2 ** 40),
      Number.MAX_SAFE_INTEGER,
      Number.MIN_SAFE_INTEGER,
    ];
    const span = makeSpan({ attributes: numbers.flatMap((value, i) => [`n${i}`, value]) });
    const sent = readSpan(encodeOtlpProtobuf([span]));
    expect(sent.attributes.map((pair) => pair.value.intValue)).toEqual(numbers.map(String));
  });

  it('writes texts of every length and script, replacing lone surrogates', () => {
    const texts = [
      '',
      'a',
      'x'.repeat(47),
      'x'.repeat(48),
      'x'.repeat(49),
      'x'.repeat(127),
      'x'.repeat(128),
      'x'.repeat(20_000),
      'ü',
      'ü'.repeat(48),
      `${'a'.repeat(40)}ü`,
      '🚀'.repeat(30),
      'a\ud800b',
    ];
    const span = makeSpan({
      name: 'ü',
      attributes: texts.flatMap((text, i) => [`key ${'k'.repeat(i * 5)}${i}`, text]),
    });
    const sent = readSpan(encodeOtlpProtobuf([span]));
    expect(sent.attributes.map((pair) => pair.value.stringValue)).toEqual([...texts.slice(0, -1), 'a\ufffdb']);
    expect(sent.name).toBe('ü');
  });

  it('names a process and a library once for all of their spans, though equal ones are different objects', () => {
    const spans = Array.from({ length: 6 }, (_, i) =>
      makeSpan({
        name: `s${i}`,
        origin: { serviceName: i < 4 ? 'a' : 'b', nodeId: undefined, attributes: ['list', [1, 2]] },
        scope: { name: i % 2 === 0 ? 'x' : 'y', version: undefined, attributes: [] },
      }),
    );
    const groups = read(encodeOtlpProtobuf(spans));
    expect(groups).toHaveLength(2);
    expect(groups.map((group) => group.scopeSpans.map((scope) => scope.spans.map((span) => span.name)))).toEqual([
      [
        ['s0', 's2'],
        ['s1', 's3'],
      ],
      [['s4'], ['s5']],
    ]);
  });

  it('writes the ids and times of spans that a tracer made', () => {
    const spans: SpanData[] = [];
    const provider = new TracerProvider({
      serviceName: 'shop',
      pipeline: {
        onStart() {},
        onEnd: (span) => void spans.push(span),
        onKeep() {},
        flush: async () => {},
        shutdown: async () => {},
      },
    });
    const parent = provider.getTracer('x').start('a', Kind.server);
    parent.end();
    const sent = readSpan(encodeOtlpProtobuf(spans));
    expect(hexOf(sent.traceId)).toBe(parent.traceId);
    expect(hexOf(sent.spanId)).toBe(parent.spanId);
    expect(sent.startTimeUnixNano).toBe(`${parent.startUnixUs}000`);
  });

  it('grows its buffer within a batch, and gives every batch of an encoder its own bytes', () => {
    const encoder = createOtlpEncoder();
    const large = Array.from({ length: 50 }, () => makeSpan({ attributes: ['text', 'x'.repeat(50_000)] }));
    expect(Buffer.compare(encoder.encode(large), encodeOtlpProtobuf(large))).toBe(0);
    const small = [makeSpan()];
    expect(Buffer.compare(encoder.encode(small), encodeOtlpProtobuf(small))).toBe(0);
  });

  it('is empty for no spans', () => {
    expect(encodeOtlpProtobuf([])).toHaveLength(0);
  });
});

describe('decoding OTLP protobuf', () => {
  it('reads any span that was written as the same span', () => {
    fc.assert(
      fc.property(arbitrarySpans, (spans) => {
        const decoded = decodeOtlpProtobuf(encodeOtlpProtobuf(spans));
        expect(decoded.rejected).toBe(0);
        const byId = (list: readonly SpanData[]) =>
          new Map(list.map((span) => [span.traceId + span.spanId, comparable(span, asIs)]));
        expect(byId(decoded.spans)).toEqual(byId(spans));
      }),
      { numRuns: 150 },
    );
  });

  it('reads what protobufjs wrote, fields in another order and unknown ones included', () => {
    const bytes = Request.encode(
      Request.fromObject({
        resourceSpans: [
          {
            resource: {
              attributes: [{ key: 'service.name', value: { stringValue: 'py' } }],
              droppedAttributesCount: 1,
              entityRefs: [{ type: 'service', idKeys: ['service.name'] }],
            },
            schemaUrl: 'https://opentelemetry.io/schemas/1.30.0',
            scopeSpans: [
              {
                scope: { name: 'requests', version: '2', droppedAttributesCount: 3 },
                schemaUrl: 'https://example.com/scope',
                spans: [
                  {
                    traceId: Buffer.from('0af7651916cd43dd8448eb211c80319c', 'hex'),
                    spanId: Buffer.from('b7ad6b7169203331', 'hex'),
                    flags: 0x301,
                    name: 'GET',
                    kind: 'SPAN_KIND_CLIENT',
                    startTimeUnixNano: '1767225600123456789',
                    endTimeUnixNano: '1767225600123999999',
                    attributes: [
                      { key: 'big', value: { intValue: '9223372036854775807' } },
                      { key: 'small', value: { intValue: '-9223372036854775808' } },
                      { key: 'again', value: { intValue: 1 } },
                      { key: 'again', value: { intValue: 2 } },
                      { key: 'nothing', value: {} },
                    ],
                  },
                ],
              },
            ],
          },
        ],
      }),
    ).finish();
    const [span] = decodeOtlpProtobuf(bytes).spans;
    expect(span).toMatchObject({
      name: 'GET',
      kind: Kind.client,
      startUnixUs: 1_767_225_600_123_456,
      durationUs: 543,
      flags: 1,
      attributes: [
        'big',
        '9223372036854775807',
        'small',
        '-9223372036854775808',
        'again',
        2,
        'nothing',
        null,
        'otlp.flags',
        0x300,
      ],
      origin: {
        serviceName: 'py',
        attributes: [
          'otlp.resource.dropped_attributes_count',
          1,
          'otlp.resource.schema_url',
          'https://opentelemetry.io/schemas/1.30.0',
        ],
      },
      scope: {
        name: 'requests',
        version: '2',
        attributes: ['otlp.scope.dropped_attributes_count', 3, 'otlp.scope.schema_url', 'https://example.com/scope'],
      },
    });
    const [back] = read(encodeOtlpProtobuf([span]));
    expect(back.schemaUrl).toBe('https://opentelemetry.io/schemas/1.30.0');
    expect(back.resource).toEqual({
      attributes: [{ key: 'service.name', value: { stringValue: 'py' } }],
      droppedAttributesCount: 1,
      entityRefs: [],
    });
    expect(back.scopeSpans[0].scope.droppedAttributesCount).toBe(3);
    expect(back.scopeSpans[0].spans[0].flags).toBe(0x301);
  });

  it('finds the resource and the scope behind the spans', () => {
    const spans = encodeOtlpProtobuf([everything]);
    // The request is one ResourceSpans of two fields: the resource (0A), then the scope's spans (12). Swap them.
    const reader = protobuf.Reader.create(spans);
    reader.uint32();
    const group = Buffer.from(reader.bytes());
    const inner = protobuf.Reader.create(group);
    inner.uint32();
    inner.bytes();
    const swapped = Buffer.concat([group.subarray(inner.pos), group.subarray(0, inner.pos)]);
    const request = protobuf.Writer.create().uint32(0x0a).bytes(swapped).finish();
    expect(decodeOtlpProtobuf(request).spans[0].origin.serviceName).toBe('shop');
  });

  it.each([
    ['no trace id', { traceId: undefined }],
    ['a trace id of zeros', { traceId: Buffer.alloc(16) }],
    ['a trace id of 8 bytes', { traceId: Buffer.alloc(8, 1) }],
    ['a span id of zeros', { spanId: Buffer.alloc(8) }],
    ['a span id of 16 bytes', { spanId: Buffer.alloc(16, 1) }],
  ])('leaves out a span with %s, says why, and reads the others', (_what, fields) => {
    const good = { traceId: Buffer.alloc(16, 1), spanId: Buffer.alloc(8, 1), name: 'good' };
    const request = { resourceSpans: [{ scopeSpans: [{ spans: [{ ...good, name: 'bad', ...fields }, good] }] }] };
    const decoded = decodeOtlpProtobuf(Request.encode(Request.fromObject(request)).finish());
    expect(decoded.spans.map(({ name }) => name)).toEqual(['good']);
    expect(decoded.rejected).toBe(1);
    expect(decoded.reason).toMatch(/^span "bad" of service unknown_service: invalid (trace|span) id/);
  });

  it('has one form for a 64-bit trace id, and writes it with its zeros', () => {
    const span = makeSpan({ traceId: '00f067aa0ba902b7' });
    const bytes = encodeOtlpProtobuf([span]);
    expect(hexOf(readSpan(bytes).traceId)).toBe('000000000000000000f067aa0ba902b7');
    expect(decodeOtlpProtobuf(bytes).spans[0].traceId).toBe('00f067aa0ba902b7');
  });

  it('refuses values that nest too deep, and takes the deepest that may', () => {
    const nested = (depth: number): unknown => (depth === 0 ? 'x' : [nested(depth - 1)]);
    const encode = (depth: number) => {
      const wrap = (value: unknown): object =>
        Array.isArray(value) ? { arrayValue: { values: [wrap(value[0])] } } : { stringValue: value };
      const span = {
        traceId: Buffer.alloc(16, 1),
        spanId: Buffer.alloc(8, 1),
        attributes: [{ key: 'k', value: wrap(nested(depth)) }],
      };
      return Request.encode(Request.fromObject({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] })).finish();
    };
    expect(decodeOtlpProtobuf(encode(32)).spans).toHaveLength(1);
    expect(() => decodeOtlpProtobuf(encode(33))).toThrow('values nest deeper than 32');
  });

  it('refuses more spans or values than the limits allow', () => {
    const bytes = encodeOtlpProtobuf([makeSpan({ attributes: ['a', 1, 'b', 2] }), makeSpan()]);
    expect(() => decodeOtlpProtobuf(bytes, { maxSpans: 1 })).toThrow('too many spans');
    // Two tags of the first span; the service and the node of the origin.
    expect(decodeOtlpProtobuf(bytes, { maxSpans: 2, maxValues: 4 }).spans).toHaveLength(2);
    expect(() => decodeOtlpProtobuf(bytes, { maxValues: 3 })).toThrow('too many tags');
  });

  it('refuses damaged bytes with a reason, or reads them as something else', () => {
    const bytes = encodeOtlpProtobuf([everything, makeSpan()]);
    for (const outcome of outcomesOfDamage(bytes, decodeOtlpProtobuf)) expect(outcome).toMatch(READ_OR_REFUSED);
  });
});
