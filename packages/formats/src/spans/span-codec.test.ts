import { makeSpan } from '@forge/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitrarySpans } from '../../test/arbitrary-span.ts';
import { asIs, comparable } from '../../test/comparable.ts';
import { everything } from '../../test/everything.ts';
import { outcomesOfDamage, READ_OR_REFUSED } from '../../test/mutations.ts';
import { encodeOtlpProtobuf } from '../otlp/encode-protobuf.ts';
import { decodeSpans, encodeSpans } from './span-codec.ts';

describe('the compact form of spans', () => {
  it('gives any spans back as they were, in their order', () => {
    fc.assert(
      fc.property(arbitrarySpans, (spans) => {
        const back = decodeSpans(encodeSpans(spans));
        expect(back.map((span) => comparable(span, asIs))).toEqual(spans.map((span) => comparable(span, asIs)));
      }),
      { numRuns: 200 },
    );
  });

  it('keeps what JSON and OTLP cannot say: holes, undefined, negative zero, odd times', () => {
    const attributes = [
      'hole',
      [undefined, null, 1],
      'nothing',
      undefined,
      'zero',
      -0,
      'odd',
      { __proto__: null, a: Number.NaN },
    ];
    const [back] = decodeSpans(
      encodeSpans([makeSpan({ attributes, startUnixUs: -5.5, durationUs: Number.MAX_SAFE_INTEGER })]),
    );
    expect(back).toMatchObject({ attributes, startUnixUs: -5.5, durationUs: Number.MAX_SAFE_INTEGER });
  });

  it('shares the origin among the spans of a batch', () => {
    const { origin } = everything;
    const back = decodeSpans(encodeSpans([makeSpan({ origin }), makeSpan({ origin })]));
    expect(back[0].origin).toBe(back[1].origin);
  });

  it('is smaller than OTLP', () => {
    const batch = Array.from({ length: 100 }, () => ({ ...everything }));
    expect(encodeSpans(batch).length).toBeLessThan(encodeOtlpProtobuf(batch).length / 2);
  });

  it('refuses damaged bytes with a reason, or reads them as something else', () => {
    const bytes = encodeSpans([everything, makeSpan()]);
    for (const outcome of outcomesOfDamage(bytes, decodeSpans)) expect(outcome).toMatch(READ_OR_REFUSED);
  });
});
