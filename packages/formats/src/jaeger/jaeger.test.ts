import { attributesToObject, Kind, Status, type SpanData } from '@forge/core';
import { makeSpan } from '@forge/testing';
import bufrw from 'bufrw';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { Thrift } from 'thriftrw';
import { describe, expect, it } from 'vitest';
import { arbitrarySpans } from '../../test/arbitrary-span.ts';
import { asPrimitive, comparable } from '../../test/comparable.ts';
import { everything } from '../../test/everything.ts';
import { outcomesOfDamage, READ_OR_REFUSED } from '../../test/mutations.ts';
import { decodeJaegerJson } from './decode-json.ts';
import { decodeJaegerThrift } from './decode-thrift.ts';
import { encodeJaegerJson } from './encode-json.ts';
import { encodeJaegerThrift } from './encode-thrift.ts';

const idl = readFileSync(new URL('../../test/fixtures/jaeger.thrift', import.meta.url), 'utf8');
const Batch = new Thrift({ source: idl, strict: false, allowOptionalArguments: true }).models['Batch'].rw;

interface WireTag {
  readonly key: string;
  readonly vType: string;
  readonly vStr?: string;
  readonly vDouble?: number;
  readonly vBool?: boolean;
  readonly vLong?: Buffer;
  readonly vBinary?: Buffer;
}

interface WireSpan extends Readonly<Record<string, unknown>> {
  readonly traceIdLow: Buffer;
  readonly traceIdHigh: Buffer;
  readonly spanId: Buffer;
  readonly parentSpanId: Buffer;
  readonly startTime: Buffer;
  readonly duration: Buffer;
  readonly references: readonly { refType: string; spanId: Buffer }[] | null;
  readonly tags: readonly WireTag[];
  readonly logs: readonly { timestamp: Buffer; fields: readonly WireTag[] }[] | null;
}

interface WireBatch {
  readonly process: { readonly serviceName: string; readonly tags: readonly WireTag[] | null };
  readonly spans: readonly WireSpan[];
}

/** What thriftrw reads by the published interface definition: an independent decoder. */
function read(bytes: Uint8Array): WireBatch {
  return bufrw.fromBuffer(Batch, Buffer.from(bytes)) as WireBatch;
}

function tagsOf(tags: readonly WireTag[]): Record<string, unknown> {
  return Object.fromEntries(
    tags.map(({ key, vType, vStr, vDouble, vBool, vLong, vBinary }) => [
      key,
      { STRING: vStr, DOUBLE: vDouble, BOOL: vBool, LONG: vLong?.readBigInt64BE(), BINARY: vBinary }[vType],
    ]),
  );
}

function thriftRoundTrip(spans: readonly SpanData[]): SpanData[] {
  return encodeJaegerThrift(spans).flatMap(({ bytes }) => decodeJaegerThrift(bytes).spans);
}

function byId(list: readonly SpanData[]): Map<string, unknown> {
  return new Map(list.map((span) => [span.traceId + span.spanId, comparable(span, asPrimitive)]));
}

describe('Jaeger Thrift', () => {
  it('writes every field where the published structs have it', () => {
    const [{ bytes, spans }] = encodeJaegerThrift([everything]);
    const batch = read(bytes);
    expect(spans).toBe(1);
    expect(batch.process.serviceName).toBe('shop');
    expect(tagsOf(batch.process.tags ?? [])).toEqual({
      'host.name': 'h1',
      'service.instance.id': everything.origin.nodeId,
    });
    const [span] = batch.spans;
    expect(span.traceIdHigh.toString('hex') + span.traceIdLow.toString('hex')).toBe(everything.traceId);
    expect(span.spanId.toString('hex')).toBe(everything.spanId);
    expect(span.parentSpanId.toString('hex')).toBe(everything.parentSpanId);
    expect(span).toMatchObject({ operationName: 'db.query', flags: 1 });
    expect(span.startTime.readBigInt64BE()).toBe(BigInt(everything.startUnixUs));
    expect(span.duration.readBigInt64BE()).toBe(BigInt(everything.durationUs));
    expect(span.references?.map(({ refType, spanId }) => [refType, spanId.toString('hex')])).toEqual([
      ['CHILD_OF', everything.parentSpanId],
      ['FOLLOWS_FROM', 'c7ad6b7169203331'],
    ]);
    expect(tagsOf(span.tags)).toMatchObject({
      table: 'users',
      rows: 3n,
      ratio: 0.5,
      prepared: true,
      ids: '[1,2]',
      raw: Buffer.from([1, 2, 3]),
      'span.kind': 'client',
      error: true,
      'otel.status_description': 'relation "users" does not exist',
      'forge.resource': 'SELECT users',
      'w3c.tracestate': 'ot=th:e666,other=1',
      'otel.scope.name': '@forge/instrumentation-postgres',
    });
    expect(span.logs).toHaveLength(1);
    expect(tagsOf(span.logs?.[0].fields ?? [])).toEqual({
      event: 'exception',
      'exception.type': 'PostgresError',
      'otel.dropped_attributes_count': 2n,
    });
  });

  it('makes one batch a process, readable by the published definition for any spans', () => {
    fc.assert(
      fc.property(arbitrarySpans, (spans) => {
        const batches = encodeJaegerThrift(spans);
        expect(batches.map(({ bytes }) => read(bytes).spans.length)).toEqual(batches.map((batch) => batch.spans));
        expect(batches.reduce((sum, batch) => sum + batch.spans, 0)).toBe(spans.length);
      }),
      { numRuns: 100 },
    );
  });

  it('reads any span that was written as the same span, its lists and objects as JSON', () => {
    fc.assert(
      fc.property(arbitrarySpans, (spans) => {
        expect(byId(thriftRoundTrip(spans))).toEqual(byId(spans));
      }),
      { numRuns: 150 },
    );
  });

  it('reads what thriftrw wrote: the process behind the spans, unknown fields, the sequence number', () => {
    const id = (hex: string) => Buffer.from(hex, 'hex');
    const bytes = bufrw.toBuffer(Batch, {
      process: { serviceName: 'cpp', tags: [{ key: 'ip', vType: 'STRING', vStr: '127.0.0.1' }] },
      spans: [
        {
          traceIdLow: id('151e8ea44a5cf41c'),
          traceIdHigh: id('0000000000000000'),
          spanId: id('137cfc2d87740f56'),
          parentSpanId: id('0000000000000000'),
          operationName: 'get',
          references: [
            {
              refType: 'FOLLOWS_FROM',
              traceIdLow: id('151e8ea44a5cf41c'),
              traceIdHigh: id('0000000000000000'),
              spanId: id('37e2b05295806961'),
            },
          ],
          flags: 3,
          startTime: id('0000000000000400'),
          duration: id('0000000000000010'),
          tags: [
            { key: 'big', vType: 'LONG', vLong: id('7fffffffffffffff') },
            { key: 'x', vType: 'STRING', vStr: 'a' },
            { key: 'x', vType: 'STRING', vStr: 'b' },
            { key: 'x', vType: 'STRING', vStr: 'a' },
          ],
          logs: [{ timestamp: id('0000000000000401'), fields: [{ key: 'event', vType: 'STRING', vStr: 'miss' }] }],
        },
      ],
      seqNo: id('0000000000000001'),
      stats: {
        fullQueueDroppedSpans: id('0000000000000001'),
        tooLargeDroppedSpans: id('0000000000000000'),
        failedToEmitSpans: id('0000000000000000'),
      },
    });
    const [span] = decodeJaegerThrift(bytes).spans;
    expect(span).toMatchObject({
      traceId: '151e8ea44a5cf41c',
      spanId: '137cfc2d87740f56',
      parentSpanId: '37e2b05295806961',
      startUnixUs: 1024,
      durationUs: 16,
      flags: 1,
      links: [],
      origin: { serviceName: 'cpp', attributes: ['ip', '127.0.0.1'] },
      events: [{ name: 'miss', unixUs: 1025, attributes: [] }],
    });
    expect(attributesToObject(span.attributes)).toEqual({
      big: '9223372036854775807',
      x: 'a',
      'x#2': 'b',
      'jaeger.flags': 3,
      'jaeger.parent.ref_type': 'FOLLOWS_FROM',
    });
    const [back] = read(encodeJaegerThrift([span])[0].bytes).spans;
    expect(back).toMatchObject({ flags: 3, references: [{ refType: 'FOLLOWS_FROM' }] });
    expect(back.tags.filter(({ key }) => key === 'x').map(({ vStr }) => vStr)).toEqual(['a', 'b']);
  });

  it('leaves out a span without ids, and counts it', () => {
    const [{ bytes }] = encodeJaegerThrift([makeSpan(), makeSpan({ spanId: '0'.repeat(16) })]);
    expect(decodeJaegerThrift(bytes)).toMatchObject({
      rejected: 1,
      reason: 'span "http.request" of service test: invalid span id',
    });
  });

  it('refuses damaged bytes with a reason, or reads them as something else', () => {
    const [{ bytes }] = encodeJaegerThrift([everything]);
    for (const outcome of outcomesOfDamage(bytes, decodeJaegerThrift)) expect(outcome).toMatch(READ_OR_REFUSED);
  });

  it.each([
    ['a list longer than its bytes', '0f00020c7fffffff00', 'a list of 2147483647 items'],
    ['a text of negative length', '0b0001ffffffff00', 'a text of -1 bytes'],
    ['structs within structs without end', '0c0001'.repeat(100), 'nest deeper than 32'],
    ['no process', '0f00020c0000000000', 'without its process or its spans'],
    ['nothing', '', 'breaks off'],
  ])('refuses %s', (_what, hex, reason) => {
    expect(() => decodeJaegerThrift(Buffer.from(hex, 'hex'))).toThrow(reason);
  });
});

describe("Jaeger's JSON", () => {
  it('reads any span that was written as the same span, its lists and objects as JSON', () => {
    fc.assert(
      fc.property(arbitrarySpans, (spans) => {
        expect(byId(decodeJaegerJson(encodeJaegerJson(spans)).spans)).toEqual(byId(spans));
      }),
      { numRuns: 150 },
    );
  });

  it('reads a trace as the UI downloads it: short ids, copies of spans in references, processes by id or inline', () => {
    const parent = {
      refType: 'CHILD_OF',
      traceID: 'abc',
      spanID: '1',
      span: { traceID: 'abc', spanID: '1', references: [{}] },
    };
    const document = {
      data: [
        {
          traceID: 'abc',
          spans: [
            {
              traceID: 'abc',
              spanID: '1',
              operationName: 'root',
              references: [],
              startTime: 10,
              duration: 5,
              processID: 'p1',
              tags: [],
              logs: [],
              warnings: null,
            },
            {
              traceID: 'abc',
              spanID: '2',
              operationName: 'child',
              references: [
                parent,
                { refType: 'CHILD_OF', traceID: 'abc', spanID: '9' },
                { refType: 'FOLLOWS_FROM', traceID: 'def', spanID: '3' },
              ],
              startTime: 11,
              duration: 2,
              processID: 'missing',
              process: { serviceName: 'inline', tags: [] },
              tags: [
                { key: 'error', type: 'bool', value: true },
                { key: 'n', type: 'int64', value: '9007199254740993' },
                { key: 'f', type: 'float64', value: 0.5 },
                { key: 'span.kind', type: 'string', value: 'server' },
              ],
              logs: [{ timestamp: 12, fields: [{ key: 'message', type: 'string', value: 'hi' }] }],
              warnings: ['clock skew'],
            },
          ],
          processes: { p1: { serviceName: 'one', tags: [{ key: 'hostname', type: 'string', value: 'h' }] } },
        },
      ],
    };
    const { spans, rejected } = decodeJaegerJson(JSON.stringify(document));
    expect(rejected).toBe(0);
    expect(spans[0]).toMatchObject({
      traceId: '0000000000000abc',
      spanId: '0000000000000001',
      parentSpanId: undefined,
      origin: { serviceName: 'one', attributes: ['hostname', 'h'] },
    });
    expect(spans[1]).toMatchObject({
      parentSpanId: '0000000000000001',
      kind: Kind.server,
      status: Status.error,
      origin: { serviceName: 'inline' },
      events: [{ name: '', unixUs: 12, attributes: ['message', 'hi'] }],
      links: [
        { spanId: '0000000000000009', attributes: ['opentracing.ref_type', 'child_of'] },
        { traceId: '0000000000000def', spanId: '0000000000000003', attributes: [] },
      ],
    });
    expect(attributesToObject(spans[1].attributes)).toEqual({
      n: '9007199254740993',
      f: 0.5,
      'jaeger.warnings': ['clock skew'],
    });
    const back = JSON.parse(encodeJaegerJson(spans)) as {
      data: { spans: { references: { refType: string }[]; warnings: unknown }[] }[];
    };
    expect(back.data[0].spans[1]).toMatchObject({
      references: [{ refType: 'CHILD_OF' }, { refType: 'CHILD_OF' }, { refType: 'FOLLOWS_FROM' }],
      warnings: ['clock skew'],
    });
  });

  it.each([
    ['{"data": [{}]}', 'a trace without a list of spans'],
    ['3', 'a trace without a list of spans'],
    ['{"data": [', 'not JSON'],
  ])('refuses %s', (document, reason) => {
    expect(() => decodeJaegerJson(document)).toThrow(reason);
  });

  it('refuses damaged documents with a reason, or reads them as something else', () => {
    const bytes = Buffer.from(encodeJaegerJson([everything, makeSpan()]));
    for (const outcome of outcomesOfDamage(bytes, decodeJaegerJson, 800)) expect(outcome).toMatch(READ_OR_REFUSED);
  });
});
