import { Kind, Status, type SpanData } from '@forge/core';
import { makeSpan } from '@forge/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitrarySpans } from '../../test/arbitrary-span.ts';
import { asIs, comparable } from '../../test/comparable.ts';
import { everything } from '../../test/everything.ts';
import { outcomesOfDamage, READ_OR_REFUSED } from '../../test/mutations.ts';
import { decodeOtlpJson } from './decode-json.ts';
import { decodeOtlpProtobuf } from './decode-protobuf.ts';
import { encodeOtlpJson } from './encode-json.ts';
import { encodeOtlpProtobuf } from './encode-protobuf.ts';

describe('OTLP JSON', () => {
  it('reads any span that was written as the same span', () => {
    fc.assert(
      fc.property(arbitrarySpans, (spans) => {
        const decoded = decodeOtlpJson(encodeOtlpJson(spans));
        expect(decoded.rejected).toBe(0);
        const byId = (list: readonly SpanData[]) =>
          new Map(list.map((span) => [span.traceId + span.spanId, comparable(span, asIs)]));
        expect(byId(decoded.spans)).toEqual(byId(spans));
      }),
      { numRuns: 100 },
    );
  });

  it('says the same as the protobuf, semantic conventions included', () => {
    for (const semconv of ['off', 'add', 'only'] as const) {
      const fromJson = decodeOtlpJson(encodeOtlpJson([everything], { semconv })).spans[0];
      const fromProtobuf = decodeOtlpProtobuf(encodeOtlpProtobuf([everything], { semconv })).spans[0];
      expect(comparable(fromJson, asIs)).toEqual(comparable(fromProtobuf, asIs));
    }
  });

  it('writes ids in hex, 64-bit numbers as text, and enums as numbers', () => {
    const json = JSON.parse(encodeOtlpJson([everything])) as {
      resourceSpans: { scopeSpans: { spans: Record<string, unknown>[] }[] }[];
    };
    expect(json.resourceSpans[0].scopeSpans[0].spans[0]).toMatchObject({
      traceId: everything.traceId,
      spanId: everything.spanId,
      kind: 3,
      startTimeUnixNano: '1767225600123456000',
      status: { code: 2 },
      attributes: expect.arrayContaining([{ key: 'rows', value: { intValue: '3' } }]) as unknown,
    });
  });

  it('reads ids in upper case, numbers as numbers or text, enums by name, and members by their protobuf names', () => {
    const span = {
      traceId: '5B8EFFF798038103D269B633813FC60C',
      spanId: 'EEE19B7EC3C1B174',
      parentSpanId: 'EEE19B7EC3C1B173',
      name: 'x',
      kind: 'SPAN_KIND_PRODUCER',
      startTimeUnixNano: 1_544_712_660_000_000_000,
      endTimeUnixNano: '1544712661000001999',
      attributes: [
        { key: 'int', value: { intValue: 7 } },
        { key: 'text int', value: { intValue: '-7' } },
        { key: 'big', value: { intValue: '9223372036854775807' } },
        { key: 'nan', value: { doubleValue: 'NaN' } },
      ],
      status: { code: 'STATUS_CODE_ERROR', message: 'no' },
    };
    const named = { trace_id: span.traceId, span_id: span.spanId, start_time_unix_nano: '5000', kind: 2 };
    const document = {
      resourceSpans: [{ scopeSpans: [{ spans: [span] }] }, { scope_spans: [{ spans: [named] }] }],
    };
    const [first, second] = decodeOtlpJson(JSON.stringify(document)).spans;
    expect(first).toMatchObject({
      traceId: '5b8efff798038103d269b633813fc60c',
      spanId: 'eee19b7ec3c1b174',
      parentSpanId: 'eee19b7ec3c1b173',
      kind: Kind.producer,
      startUnixUs: 1_544_712_660_000_000,
      durationUs: 1_000_001,
      attributes: ['int', 7, 'text int', -7, 'big', '9223372036854775807', 'nan', Number.NaN],
      status: Status.error,
      statusMessage: 'no',
    });
    expect(second).toMatchObject({ traceId: '5b8efff798038103d269b633813fc60c', startUnixUs: 5, kind: Kind.server });
  });

  it.each([
    ['{"resourceSpans": {}}', 'resourceSpans is not an array'],
    ['[]', 'not an object'],
    ['{"resourceSpans":', 'not JSON: '],
    ['', 'not JSON: '],
    [`${'['.repeat(65)}${']'.repeat(65)}`, 'JSON nests deeper than 64'],
  ])('refuses %s', (document, reason) => {
    expect(() => decodeOtlpJson(document)).toThrow(reason);
  });

  it('leaves out what is no span, and counts it', () => {
    const spans = [null, 1, {}, { traceId: '00', spanId: '00' }, { traceId: 'x'.repeat(32), spanId: '1'.repeat(16) }];
    const decoded = decodeOtlpJson(JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }, null] }, 3] }));
    expect(decoded).toMatchObject({ spans: [], rejected: 5 });
  });

  it('refuses damaged documents with a reason, or reads them as something else', () => {
    const bytes = Buffer.from(encodeOtlpJson([everything, makeSpan()]));
    for (const outcome of outcomesOfDamage(bytes, decodeOtlpJson)) expect(outcome).toMatch(READ_OR_REFUSED);
  });
});
