import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { randomSketches } from '../../test/support/random-sketches.ts';
import { tableOf, type SpanSketch } from '../../test/support/table-of.ts';
import { arrange } from './arrange.ts';
import { Flag } from './span-table.ts';
import type { Trace } from './trace.ts';

/** `depth:name` of each node, `?` for a stand-in. */
function outline(trace: Trace): string[] {
  return Array.from(
    { length: trace.count },
    (_, node) => `${trace.depth[node]}:${trace.strings[trace.name[node]] ?? '?'}`,
  );
}

describe('the order of the tree', () => {
  test('parents stand before their children and siblings go by start, however the rows came', () => {
    const trace = arrange(
      tableOf([
        { name: 'late', parent: 'root', start: 50, duration: 10 },
        { name: 'leaf', parent: 'early', start: 12, duration: 1 },
        { name: 'early', parent: 'root', start: 10, duration: 10 },
        { name: 'root', start: 0, duration: 100 },
      ]),
    );
    expect(outline(trace)).toEqual(['0:root', '1:early', '2:leaf', '1:late']);
    expect([...trace.size]).toEqual([4, 2, 1, 1]);
    expect([...trace.children]).toEqual([2, 1, 0, 0]);
    expect([...trace.parent]).toEqual([-1, 0, 1, 0]);
    expect([...trace.row]).toEqual([3, 2, 1, 0]);
    expect([trace.startUs, trace.endUs, trace.maxDepth]).toEqual([0, 100, 2]);
  });

  test('siblings that start at the same moment stay in the order they came', () => {
    const siblings = ['a', 'b', 'c'].map((name): SpanSketch => ({ name, parent: 'root', start: 0, duration: 0 }));
    const trace = arrange(tableOf([{ name: 'root', start: 0, duration: 0 }, ...siblings]));
    expect(outline(trace)).toEqual(['0:root', '1:a', '1:b', '1:c']);
  });

  test('children of one missing parent stand together under a stand-in that spans them', () => {
    const trace = arrange(
      tableOf([
        { name: 'root', start: 0, duration: 10 },
        { name: 'a', parent: 'feed', start: 20, duration: 5 },
        { name: 'b', parent: 'feed', start: 30, duration: 9 },
      ]),
    );
    expect(outline(trace)).toEqual(['0:root', '0:?', '1:a', '1:b']);
    expect(trace.flags[1] & Flag.missing).not.toBe(0);
    expect([trace.start[1], trace.duration[1], trace.row[1], trace.self[1]]).toEqual([20, 19, -1, 0]);
    expect(trace.ids[3]).toBe(0xfeed);
    expect([trace.count, trace.spans, trace.missingParents]).toEqual([4, 3, 1]);
  });

  test('a cycle is cut at its earliest span, which is marked', () => {
    const trace = arrange(
      tableOf([
        { name: 'a', parent: 'c', start: 2, duration: 1 },
        { name: 'b', parent: 'a', start: 1, duration: 1 },
        { name: 'c', parent: 'b', start: 3, duration: 1 },
        { name: 'self', parent: 'self', start: 9, duration: 1 },
        { name: 'tail', parent: 'a', start: 4, duration: 1 },
      ]),
    );
    expect(outline(trace)).toEqual(['0:b', '1:c', '2:a', '3:tail', '0:self']);
    expect(trace.cycles).toBe(2);
    expect([0, 4].map((node) => trace.flags[node] & Flag.cycle)).toEqual([Flag.cycle, Flag.cycle]);
  });

  test('an empty table makes an empty trace', () => {
    const trace = arrange(tableOf([]));
    expect([trace.count, trace.startUs, trace.endUs, trace.services.length]).toEqual([0, 0, 0, 0]);
  });

  test('errors are counted on the way up, once each', () => {
    const trace = arrange(
      tableOf([
        { name: 'root', start: 0, duration: 9, status: 2 },
        { name: 'mid', parent: 'root', start: 1, duration: 5 },
        { name: 'leaf', parent: 'mid', start: 2, duration: 1, status: 2, service: 'db' },
      ]),
    );
    expect([...trace.errorsBelow]).toEqual([1, 1, 0]);
    expect(trace.errors).toBe(2);
    expect(trace.services.map(({ name, spans, errors }) => [name, spans, errors])).toEqual([
      ['app', 2, 1],
      ['db', 1, 1],
    ]);
  });

  test('log marks follow their span', () => {
    const trace = arrange(
      tableOf([
        { name: 'child', parent: 'root', start: 5, duration: 1, logs: [[5, 'warn']] },
        {
          name: 'root',
          start: 0,
          duration: 9,
          logs: [
            [1, 'info'],
            [2, 'error'],
          ],
        },
      ]),
    );
    const labels = (node: number): string[] =>
      Array.from(trace.logLabel.slice(trace.logBegin[node], trace.logBegin[node + 1]), (at) => trace.strings[at]);
    expect(labels(0)).toEqual(['info', 'error']);
    expect(labels(1)).toEqual(['warn']);
  });

  test('a chain of 70,000 and 100,000 siblings need no call stack', () => {
    const chain = arrange(
      tableOf(
        Array.from({ length: 70_000 }, (_, i): SpanSketch => {
          const span = { name: `s${i}`, start: i, duration: 140_000 - 2 * i };
          return i === 0 ? span : { ...span, parent: `s${i - 1}` };
        }),
      ),
    );
    expect([chain.maxDepth, chain.size[0], chain.self[0]]).toEqual([69_999, 70_000, 2]);
    const wide = arrange(
      tableOf(
        Array.from({ length: 100_000 }, (_, i): SpanSketch => {
          const span = { name: `s${i}`, start: i, duration: 1 };
          return i === 0 ? span : { ...span, parent: 's0' };
        }),
      ),
    );
    expect([wide.maxDepth, wide.children[0]]).toEqual([1, 99_999]);
  });

  test('any parents at all give a forest that holds each span once', () => {
    fc.assert(
      fc.property(randomSketches(), (sketches) => {
        const trace = arrange(tableOf(sketches));
        expect([...trace.row].filter((row) => row >= 0).sort((a, b) => a - b)).toEqual([...sketches.keys()]);
        for (let node = 0; node < trace.count; node++) {
          const parent = trace.parent[node];
          expect(parent).toBeLessThan(node);
          expect(parent < 0 || node < parent + trace.size[parent]).toBe(true);
          expect(trace.depth[node]).toBe(parent < 0 ? 0 : trace.depth[parent] + 1);
          const named = sketches[trace.row[node]]?.parent;
          const isCut = (trace.flags[node] & (Flag.cycle | Flag.missing)) !== 0;
          expect(isCut || parent < 0 === (named === undefined)).toBe(true);
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('self time', () => {
  const selfOf = (...sketches: SpanSketch[]): number[] => [...arrange(tableOf(sketches)).self];
  const root: SpanSketch = { name: 'root', start: 0, duration: 100 };

  test('is the duration less the time in which a child ran', () => {
    expect(selfOf(root, { name: 'a', parent: 'root', start: 10, duration: 20 })).toEqual([80, 20]);
  });

  test('counts children that overlap once', () => {
    const a: SpanSketch = { name: 'a', parent: 'root', start: 10, duration: 40 };
    const b: SpanSketch = { name: 'b', parent: 'root', start: 30, duration: 40 };
    const inside: SpanSketch = { name: 'c', parent: 'root', start: 15, duration: 5 };
    expect(selfOf(root, a, inside, b)[0]).toBe(40);
  });

  test('counts back-to-back siblings whole', () => {
    const a: SpanSketch = { name: 'a', parent: 'root', start: 0, duration: 50 };
    const b: SpanSketch = { name: 'b', parent: 'root', start: 50, duration: 50 };
    expect(selfOf(root, a, b)[0]).toBe(0);
  });

  test('ignores what a child does before and after its parent', () => {
    const before: SpanSketch = { name: 'a', parent: 'root', start: -20, duration: 30 };
    const after: SpanSketch = { name: 'b', parent: 'root', start: 90, duration: 50 };
    const outside: SpanSketch = { name: 'c', parent: 'root', start: 200, duration: 50 };
    const trace = arrange(tableOf([root, before, after, outside]));
    expect(trace.self[0]).toBe(80);
  });

  test('equals counting microsecond by microsecond', () => {
    fc.assert(
      fc.property(randomSketches(), (sketches) => {
        const trace = arrange(tableOf(sketches));
        for (let node = 0; node < trace.count; node++) {
          if (trace.row[node] < 0) continue;
          let alone = 0;
          for (let us = trace.start[node]; us < trace.start[node] + trace.duration[node]; us++) {
            const covered = [...trace.parent.keys()].some(
              (child) =>
                trace.parent[child] === node &&
                trace.start[child] <= us &&
                us < trace.start[child] + trace.duration[child],
            );
            if (!covered) alone++;
          }
          expect(trace.self[node]).toBe(alone);
        }
      }),
      { numRuns: 100 },
    );
  });
});
