import { describe, expect, test } from 'vitest';
import { tableOf, type SpanSketch } from '../../test/support/table-of.ts';
import { arrange } from './arrange.ts';
import { Kind } from './span-table.ts';

const call = (start: number, duration: number): SpanSketch => ({
  name: 'call',
  start,
  duration,
  service: 'a',
  process: 'pa',
  kind: Kind.client,
});
const server = (start: number, duration: number, more: Partial<SpanSketch> = {}): SpanSketch => ({
  name: 'server',
  parent: 'call',
  start,
  duration,
  service: 'b',
  process: 'pb',
  kind: Kind.server,
  ...more,
});

function deltas(...sketches: SpanSketch[]): Record<string, number> {
  const { skew } = arrange(tableOf(sketches));
  return Object.fromEntries(skew.processes.map(({ label, deltaUs }) => [label, deltaUs]));
}

describe('clocks that disagree', () => {
  test('are not suspected while the server lies within its call', () => {
    expect(deltas(call(0, 100_000), server(10_000, 50_000))).toEqual({});
  });

  test('are not suspected for the millisecond to which wall clocks are read', () => {
    expect(deltas(call(0, 100_000), server(-1_000, 100_000))).toEqual({});
    expect(deltas(call(0, 100_000), server(-1_001, 100_000))).toEqual({ b: 1_001 });
  });

  test('are centred: the server is put in the middle of its call', () => {
    expect(deltas(call(0, 100_000), server(500_000, 60_000))).toEqual({ b: -480_000 });
  });

  test('are bounded by all calls between the two together', () => {
    const second: SpanSketch = { ...call(200_000, 50_000), name: 'call2', parent: 'call' };
    const tight: SpanSketch = { ...server(700_000, 50_000), name: 'server2', parent: 'call2' };
    const outer = { ...call(0, 400_000) };
    expect(deltas(outer, server(510_000, 100_000), second, tight)).toEqual({ b: -500_000 });
  });

  test('align the starts where the server took longer than its call', () => {
    expect(deltas(call(0, 10_000), server(-50_000, 90_000))).toEqual({ b: 50_000 });
  });

  test('say nothing of jobs, which may start at any later time', () => {
    expect(deltas(call(0, 10_000), server(9_000_000, 5_000, { kind: Kind.consumer }))).toEqual({});
  });

  test('move every span and log of the process, and only when asked', () => {
    const inner: SpanSketch = {
      name: 'inner',
      parent: 'server',
      start: 505_000,
      duration: 1_000,
      service: 'b',
      process: 'pb',
    };
    const table = tableOf([call(0, 100_000), server(500_000, 60_000, { logs: [[501_000, 'info']] }), inner]);
    const before = arrange(table);
    expect([...before.start]).toEqual([0, 500_000, 505_000]);
    expect([before.skew.applied, [...before.skew.deltaUs]]).toEqual([false, [0, -480_000, -480_000]]);
    const after = arrange(table, { correctSkew: true });
    expect([...after.start]).toEqual([0, 20_000, 25_000]);
    expect([...after.logTime]).toEqual([21_000]);
    expect([after.skew.applied, after.endUs]).toEqual([true, 100_000]);
  });

  test('add up along a chain of processes', () => {
    const next: SpanSketch = { ...call(510_000, 40_000), name: 'call2', parent: 'server', service: 'b', process: 'pb' };
    const third: SpanSketch = {
      ...server(10_510_000, 40_000),
      name: 'third',
      parent: 'call2',
      service: 'c',
      process: 'pc',
    };
    expect(deltas(call(0, 100_000), server(500_000, 60_000), next, third)).toEqual({ b: -480_000, c: -10_480_000 });
  });
});
