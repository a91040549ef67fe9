import { Decision, Kind, LocalTrace, RemoteSpanContext, type KeepReason, type TracePipeline } from '@forge/core';
import { createTraceState, type SpanContext } from '@opentelemetry/api';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createHeadSampler, type HeadSamplingOptions } from './head-sampler.ts';
import { parseThreshold, passes, thresholdOfRate } from './threshold.ts';

const PIPELINE: TracePipeline = {
  onStart: () => undefined,
  onEnd: () => undefined,
  onKeep: () => undefined,
  flush: () => Promise.resolve(),
  shutdown: () => Promise.resolve(),
};

function traceOf(randomness: string): LocalTrace {
  const word = (at: number): number => Number.parseInt(randomness.padStart(16, '0').slice(at, at + 8), 16) | 0;
  return new LocalTrace(PIPELINE, 1, 2, word(0), word(8), true, 0);
}

interface Caller {
  readonly flags?: number;
  readonly trusted?: boolean;
  readonly keep?: KeepReason;
  readonly ot?: string;
  readonly others?: string;
}

function caller({ flags = 0, trusted = false, keep, ot, others }: Caller): RemoteSpanContext {
  return new RemoteSpanContext('1'.repeat(32), '2'.repeat(16), flags, trusted, undefined, keep, ot, others);
}

function begin(
  options: HeadSamplingOptions,
  randomness: string,
  parent?: SpanContext,
  name = 'http.request',
): LocalTrace {
  const trace = traceOf(randomness);
  createHeadSampler(options).begin(trace, parent, name, Kind.server);
  return trace;
}

const AT_TENTH = 'e6660000000000';
const BELOW_TENTH = 'e665ffffffffff';
const TENTH: HeadSamplingOptions = { sampleRate: 0.1 };

describe('thresholds', () => {
  test.each([
    [1, '0'],
    [0.5, '8'],
    [0.25, 'c'],
    [0.1, 'e666'],
    [0.01, 'fd70a'],
    [0.001, 'ffbe77'],
    [1 / 3, 'aaab'],
    [2 / 3, '5555'],
    [0.9, '199a'],
    [0.99, '028f6'],
    [2 ** -56, 'ffffffffffffff'],
  ])('rate %d is th:%s', (rate, text) => {
    expect(thresholdOfRate(rate)!.text).toBe(text);
  });

  test('rates at and below zero, and what is no number, sample nothing', () => {
    for (const rate of [0, -1, 2 ** -57, Number.NaN]) expect(thresholdOfRate(rate)).toBeUndefined();
  });

  test('a rate is met to 4 significant digits, and its weight is exactly one over what is sampled', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-9, max: 1, noNaN: true }), (rate) => {
        const threshold = thresholdOfRate(rate)!;
        expect(Math.abs(threshold.probability / rate - 1)).toBeLessThan(2 ** -11);
        expect(threshold.weight * threshold.probability).toBeCloseTo(1, 12);
        expect(parseThreshold(threshold.text)).toEqual(threshold);
      }),
    );
  });

  test('compares all 56 bits as one unsigned number', () => {
    const bits = fc.bigInt({ min: 0n, max: (1n << 56n) - 1n });
    fc.assert(
      fc.property(bits, bits, (threshold, randomness) => {
        const parsed = parseThreshold(threshold.toString(16).padStart(14, '0'))!;
        expect(passes(parsed, Number(randomness >> 32n) | 0xab000000, Number(randomness & 0xffffffffn) | 0)).toBe(
          randomness >= threshold,
        );
      }),
    );
  });

  test.each(['', 'E666', 'e66g', '0'.repeat(15), '-1', ' 1'])('%j is no threshold', (text) => {
    expect(parseThreshold(text)).toBeUndefined();
  });
});

describe('a new trace', () => {
  test('is sampled at the threshold and above, with its weight and threshold told', () => {
    expect(begin(TENTH, AT_TENTH)).toMatchObject({ decision: Decision.sampled, otState: 'th:e666', flags: 3 });
    expect(begin(TENTH, AT_TENTH).weight).toBeCloseTo(10, 2);
    expect(begin(TENTH, BELOW_TENTH)).toMatchObject({
      decision: Decision.undecided,
      otState: undefined,
      weight: 1,
      flags: 2,
    });
  });

  test('is always sampled at rate 1 and never at rate 0', () => {
    expect(begin({ sampleRate: 1 }, '0')).toMatchObject({ decision: Decision.sampled, otState: 'th:0', weight: 1 });
    expect(begin({ sampleRate: 0 }, 'ffffffffffffff').decision).toBe(Decision.undecided);
  });

  test('takes the first override that names its operation and this service', () => {
    const options: HeadSamplingOptions = {
      sampleRate: 0.1,
      serviceName: 'shop',
      overrides: [
        { operation: 'job.execute', service: 'other', sampleRate: 0 },
        { operation: 'job.execute', sampleRate: 1 },
        { operation: 'job.execute', sampleRate: 0 },
        { service: 'shop', sampleRate: 0.5 },
        { operation: 'db.query', sampleRate: 1 },
      ],
    };
    expect(begin(options, '0', undefined, 'job.execute').decision).toBe(Decision.sampled);
    expect(begin(options, '80000000000000').otState).toBe('th:8');
    expect(begin(options, '0', undefined, 'db.query').decision).toBe(Decision.undecided);
  });

  test('follows a changed rate at once', () => {
    const sampler = createHeadSampler(TENTH);
    sampler.reload({ sampleRate: 1 });
    const trace = traceOf('0');
    sampler.begin(trace, undefined, 'a', Kind.internal);
    expect(trace.decision).toBe(Decision.sampled);
  });
});

describe("a stranger's call", () => {
  test('gets our decision, whatever its flag, threshold and keep mark say', () => {
    const parent = caller({ flags: 1, keep: 'error', ot: 'th:0', others: 'x=1' });
    expect(begin(TENTH, BELOW_TENTH, parent)).toMatchObject({
      decision: Decision.undecided,
      otState: undefined,
      otherState: 'x=1',
    });
    expect(begin(TENTH, AT_TENTH, caller({ flags: 0, ot: 'th:f' }))).toMatchObject({
      decision: Decision.sampled,
      otState: 'th:e666',
    });
  });

  test('has its explicit randomness used and passed on, with parts that we do not know', () => {
    const ot = `th:0;rv:${AT_TENTH};x:1`;
    expect(begin(TENTH, '0', caller({ ot }))).toMatchObject({
      decision: Decision.sampled,
      otState: `th:e666;rv:${AT_TENTH};x:1`,
    });
    expect(begin(TENTH, 'ffffffffffffff', caller({ ot: `rv:${BELOW_TENTH}` }))).toMatchObject({
      decision: Decision.undecided,
      otState: `rv:${BELOW_TENTH}`,
    });
    expect(begin(TENTH, AT_TENTH, caller({ ot: 'rv:123;th:zz;;:' })).decision).toBe(Decision.sampled);
  });

  test('of a foreign propagator is read the same way', () => {
    const parent: SpanContext = {
      traceId: '1'.repeat(32),
      spanId: '2'.repeat(16),
      traceFlags: 1,
      traceState: createTraceState(`forge=p:1,ot=rv:${AT_TENTH},x=1`),
    };
    expect(begin(TENTH, '0', parent)).toMatchObject({
      decision: Decision.sampled,
      otState: `th:e666;rv:${AT_TENTH}`,
      otherState: 'x=1',
    });
  });
});

describe("a trusted peer's call", () => {
  test('is sampled by its threshold, not by ours', () => {
    const parent = caller({ trusted: true, flags: 1, ot: 'th:8' });
    expect(begin(TENTH, '80000000000000', parent)).toMatchObject({
      decision: Decision.sampled,
      otState: 'th:8',
      weight: 2,
    });
    expect(begin({ sampleRate: 1 }, '0', caller({ trusted: true, flags: 0 })).decision).toBe(Decision.undecided);
  });

  test('is kept where the peer keeps it', () => {
    const parent = caller({ trusted: true, flags: 1, keep: 'error' });
    expect(begin(TENTH, '0', parent)).toMatchObject({
      decision: Decision.kept,
      keepReason: 'peer',
      otState: undefined,
      weight: 1,
    });
  });

  test('is kept without a threshold where the peer sampled by other means', () => {
    for (const ot of [undefined, 'th:8'])
      expect(begin(TENTH, '0', caller({ trusted: true, flags: 1, ...(ot === undefined ? {} : { ot }) }))).toMatchObject(
        {
          decision: Decision.kept,
          keepReason: 'forced',
          otState: undefined,
        },
      );
  });
});

test('all nodes with one rate take the same traces', () => {
  const bits = fc.bigInt({ min: 0n, max: (1n << 56n) - 1n }).map((value) => value.toString(16).padStart(14, '0'));
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, noNaN: true }), bits, fc.boolean(), (sampleRate, randomness, trusted) => {
      const root = begin({ sampleRate }, randomness);
      const child = begin(
        { sampleRate },
        randomness,
        caller({ trusted, flags: root.flags, ...(root.otState === undefined ? {} : { ot: root.otState }) }),
      );
      expect([child.decision, child.otState, child.weight]).toEqual([root.decision, root.otState, root.weight]);
    }),
  );
});
