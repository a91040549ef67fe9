import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bucketOf, bucketStartUs, LatencyHistogram } from './latency-histogram.ts';

const duration = fc.oneof(fc.nat(200), fc.nat(2 ** 31 - 1), fc.integer({ min: 2 ** 31, max: 2 ** 45 }));

describe('buckets', () => {
  test('hold a duration between their start and the next start, within a sixteenth of each other', () => {
    fc.assert(
      fc.property(duration, (us) => {
        const bucket = bucketOf(us);
        expect(bucketStartUs(bucket)).toBeLessThanOrEqual(us);
        expect(us < bucketStartUs(bucket + 1) || us >= 2 ** 40).toBe(true);
        expect(bucketStartUs(bucket + 1) - bucketStartUs(bucket)).toBeLessThanOrEqual(
          Math.max(1, bucketStartUs(bucket) / 16),
        );
      }),
      { numRuns: 2000 },
    );
  });

  test('go on without a hole from 0 to the last', () => {
    for (let bucket = 0; bucket < 591; bucket++) {
      expect(bucketOf(bucketStartUs(bucket))).toBe(bucket);
      expect(bucketOf(bucketStartUs(bucket + 1) - 1)).toBe(bucket);
    }
    expect([bucketOf(2 ** 40), bucketOf(2 ** 50), bucketOf(-5)]).toEqual([591, 591, 0]);
  });
});

describe('histograms', () => {
  const of = (values: readonly number[]): LatencyHistogram => {
    const histogram = new LatencyHistogram();
    for (const value of values) histogram.add(value);
    return histogram;
  };

  test('merging is counting together, in any order, also through bytes', () => {
    fc.assert(
      fc.property(fc.array(duration, { maxLength: 50 }), fc.array(duration, { maxLength: 50 }), (a, b) => {
        const together = of([...a, ...b]);
        const other = of(b);
        const merged = of(a).merge(LatencyHistogram.decode(other.encode(), other.sumUs, other.maxUs));
        expect([...merged.encode()]).toEqual([...together.encode()]);
        expect([merged.count, merged.sumUs, merged.maxUs]).toEqual([together.count, together.sumUs, together.maxUs]);
      }),
    );
  });

  test('quantiles are within a sixteenth of the true ones', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 10_000_000 }), { minLength: 1, maxLength: 200 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (values, q) => {
          const sorted = [...values].sort((x, y) => x - y);
          const exact = sorted[Math.max(0, Math.ceil(q * values.length) - 1)];
          const quantile = of(values).quantileUs(q);
          expect(quantile).toBeGreaterThanOrEqual(exact);
          expect(quantile).toBeLessThanOrEqual(exact * 1.0625 + 1);
        },
      ),
    );
    expect(new LatencyHistogram().quantileUs(0.5)).toBe(0);
  });

  test('bytes that are no histogram are read without harm', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        expect(LatencyHistogram.decode(bytes, 1, 2).count).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});
