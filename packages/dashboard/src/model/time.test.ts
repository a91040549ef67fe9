import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { tableOf } from '../../test/support/table-of.ts';
import { arrange } from './arrange.ts';
import { agoText, durationText, exactDurationText, percentText, shortCountText } from './duration-text.ts';
import { axisTicks } from './ticks.ts';
import { quietStretches, TimeScale } from './time-scale.ts';

describe('durations for people', () => {
  test.each([
    [0, '0'],
    [0.25, '250 ns'],
    [0.001, '1.00 ns'],
    [1, '1.00 µs'],
    [83.4, '83.4 µs'],
    [999.4, '999 µs'],
    [999.6, '1.00 ms'],
    [1_204, '1.20 ms'],
    [9_996, '10.0 ms'],
    [142_000, '142 ms'],
    [999_600, '1.00 s'],
    [12_000_000, '12.0 s'],
    [59_940_000, '59.9 s'],
    [59_960_000, '1 m 00 s'],
    [83_000_000, '1 m 23 s'],
    [7_500_000_000, '2 h 05 m'],
    [273_600_000_000, '3 d 04 h'],
    [-1_500, '−1.50 ms'],
  ])('%d µs are %s', (us, text) => {
    expect(durationText(us)).toBe(text);
  });

  test('are exact where asked', () => {
    expect(exactDurationText(1_234_567)).toBe('1,234.567 ms');
    expect(exactDurationText(0.25)).toBe('0.000250 ms');
  });

  test('shares and counts keep three digits', () => {
    expect([0, 0.0004, 0.012, 0.5, 1].map(percentText)).toEqual(['0 %', '< 0.1 %', '1.2 %', '50 %', '100 %']);
    expect([999, 1_000, 12_400, 999_600, 3_100_000].map(shortCountText)).toEqual(['999', '1k', '12.4k', '1M', '3.1M']);
  });

  test('ages are counted from the moment given', () => {
    const now = 1_700_000_000_000_000;
    expect([5, 59, 61, 7_200].map((s) => agoText(now - s * 1e6, now))).toEqual([
      'just now',
      '59 s ago',
      '1 min ago',
      '2 h ago',
    ]);
  });
});

describe('ticks', () => {
  test('are round and in one unit', () => {
    expect(axisTicks(0, 142_000, 5).map(({ label }) => label)).toEqual(['0', '50 ms', '100 ms']);
    expect(axisTicks(0, 1_500, 4).map(({ label }) => label)).toEqual(['0', '500 µs', '1000 µs', '1500 µs']);
    expect(axisTicks(0, 3_600e6, 4).map(({ label }) => label)).toEqual(['0', '15 min', '30 min', '45 min', '60 min']);
    expect(axisTicks(0, 0.5, 5).map(({ label }) => label)).toEqual([
      '0',
      '100 ns',
      '200 ns',
      '300 ns',
      '400 ns',
      '500 ns',
    ]);
  });

  test('tell neighbours apart however far the zoom goes in', () => {
    const labels = axisTicks(12_000_000, 12_000_400, 4).map(({ label }) => label);
    expect(labels).toEqual(['12 s', '12.0001 s', '12.0002 s', '12.0003 s', '12.0004 s']);
  });

  test('of nothing are none', () => {
    expect(axisTicks(5, 5, 4)).toEqual([]);
    expect(axisTicks(0, 100, 0)).toEqual([]);
  });

  test('lie within the range, at even distances, never many more than wanted, all different', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e12 }), fc.integer({ min: 1, max: 1e12 }), (from, length) => {
        const ticks = axisTicks(from, from + length, 6);
        expect(ticks.length).toBeLessThanOrEqual(8);
        for (const { us } of ticks) expect(us >= from - length * 1e-6 && us <= from + length * 1.000001).toBe(true);
        const labels = new Set(ticks.map(({ label }) => label));
        expect(length / from < 1e-5 || labels.size === ticks.length).toBe(true);
      }),
    );
  });
});

describe('the time scale', () => {
  const scale = new TimeScale(0, 1_000, [
    { startUs: 100, endUs: 500, drawnUs: 20 },
    { startUs: 600, endUs: 900, drawnUs: 20 },
  ]);

  test('draws squeezed stretches short and the rest to scale', () => {
    expect(scale.length).toBe(340);
    expect([0, 100, 300, 500, 600, 900, 1_000].map((us) => scale.place(us))).toEqual([0, 100, 110, 120, 220, 240, 340]);
  });

  test('is linear beyond its ends', () => {
    expect([scale.place(-10), scale.place(1_010)]).toEqual([-10, 350]);
    expect([scale.time(-10), scale.time(350)]).toEqual([-10, 1_010]);
  });

  test('finds the time of each place again', () => {
    for (let us = 0; us <= 1_000; us += 7) expect(scale.time(scale.place(us))).toBeCloseTo(us, 6);
  });

  test('squeezes the wait between a request and its job, and keeps the work', () => {
    const request = { name: 'request', start: 0, duration: 100 };
    const job = { name: 'job', parent: 'request', start: 10_100, duration: 900 };
    const query = { name: 'query', parent: 'request', start: 0, duration: 100 };
    const wait = [{ startUs: 100, endUs: 10_100, drawnUs: 20 }];
    expect(quietStretches(arrange(tableOf([request, job])))).toEqual(wait);
    expect(quietStretches(arrange(tableOf([request, query, job])))).toEqual(wait);
  });

  test('squeezes the long sleep of an outer span between its children', () => {
    const trace = arrange(
      tableOf([
        { name: 'outer', start: 0, duration: 10_000 },
        { name: 'first', parent: 'outer', start: 0, duration: 500 },
        { name: 'last', parent: 'outer', start: 9_500, duration: 500 },
      ]),
    );
    expect(quietStretches(trace)).toEqual([{ startUs: 500, endUs: 9_500, drawnUs: 20 }]);
  });

  test('has nothing to squeeze where no time passes or all of it is work', () => {
    expect(quietStretches(arrange(tableOf([])))).toEqual([]);
    expect(quietStretches(arrange(tableOf([{ name: 'instant', start: 0, duration: 0 }])))).toEqual([]);
    expect(quietStretches(arrange(tableOf([{ name: 'busy', start: 0, duration: 10 }])))).toEqual([]);
  });
});
