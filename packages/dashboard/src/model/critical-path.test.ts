import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { randomSketches } from '../../test/support/random-sketches.ts';
import { tableOf, type SpanSketch } from '../../test/support/table-of.ts';
import { arrange } from './arrange.ts';
import { criticalPath, mainRoot } from './critical-path.ts';
import { Kind } from './span-table.ts';

/** The path as `name from-to`, by time. */
function pathOf(...sketches: SpanSketch[]): string[] {
  const trace = arrange(tableOf(sketches));
  const path = criticalPath(trace);
  return Array.from(path.segmentNode, (node, at) => {
    const name = trace.strings[trace.name[node]] ?? '?';
    return `${name} ${path.segmentStart[at]}-${path.segmentEnd[at]}`;
  });
}

const root: SpanSketch = { name: 'root', start: 0, duration: 100 };
const child = (name: string, start: number, end: number, more: Partial<SpanSketch> = {}): SpanSketch => ({
  name,
  parent: 'root',
  start,
  duration: end - start,
  ...more,
});

describe('the critical path', () => {
  test('of a lone span is the span', () => {
    expect(pathOf(root)).toEqual(['root 0-100']);
  });

  test('goes through children one after another and gives the rest to the parent', () => {
    expect(pathOf(root, child('a', 10, 30), child('b', 40, 90))).toEqual([
      'root 0-10',
      'a 10-30',
      'root 30-40',
      'b 40-90',
      'root 90-100',
    ]);
  });

  test('takes both of two siblings where one starts at the moment the other ends', () => {
    expect(pathOf(root, child('a', 0, 50), child('b', 50, 100))).toEqual(['a 0-50', 'b 50-100']);
  });

  test('takes back-to-back siblings of no duration without losing the others', () => {
    const trace = arrange(tableOf([root, child('a', 0, 50), child('mark', 50, 50), child('b', 50, 100)]));
    const path = criticalPath(trace);
    expect([...path.onPath]).toEqual([1, 1, 1, 1]);
    expect([...path.ownUs].reduce((sum, us) => sum + us)).toBe(100);
  });

  test('waits for the sibling that ended last where they ran at once', () => {
    expect(pathOf(root, child('slow', 10, 80), child('quick', 10, 40))).toEqual([
      'root 0-10',
      'slow 10-80',
      'root 80-100',
    ]);
  });

  test('leaves out a sibling that was still running when the next one started', () => {
    expect(pathOf(root, child('a', 10, 60), child('b', 50, 90))).toEqual(['root 0-50', 'b 50-90', 'root 90-100']);
  });

  test('prefers the longer of two that end together', () => {
    expect(pathOf(root, child('long', 10, 90), child('short', 80, 90))).toEqual([
      'root 0-10',
      'long 10-90',
      'root 90-100',
    ]);
  });

  test('works at start time 0 of the epoch as anywhere', () => {
    expect(pathOf({ ...root, start: 0, duration: 10 }, child('a', 0, 4), child('b', 4, 10))).toEqual([
      'a 0-4',
      'b 4-10',
    ]);
  });

  test('leaves out a job that starts after its dispatcher ended', () => {
    const job = child('job', 150, 300, { kind: Kind.consumer, process: 'worker' });
    expect(pathOf(root, child('a', 10, 30), job)).toEqual(['root 0-10', 'a 10-30', 'root 30-100']);
  });

  test('leaves out fire and forget: a child on the same clock that outlives its parent', () => {
    expect(pathOf(root, child('a', 10, 30), child('forgotten', 20, 101))).toEqual([
      'root 0-10',
      'a 10-30',
      'root 30-100',
    ]);
  });

  test('leaves out a consumer that starts within its parent and outlives it by more than a clock step', () => {
    const long = { ...root, duration: 10_000 };
    const consumer = (end: number): SpanSketch => child('job', 5_000, end, { kind: Kind.consumer, process: 'w' });
    expect(pathOf(long, consumer(11_001))).toEqual(['root 0-10000']);
    expect(pathOf(long, consumer(11_000))).toEqual(['root 0-5000', 'job 5000-10000']);
  });

  test('cuts a server span to the call that waits for it', () => {
    const call = child('call', 10, 90, { kind: Kind.client });
    const server: SpanSketch = {
      name: 'server',
      parent: 'call',
      start: -5,
      duration: 200,
      kind: Kind.server,
      service: 'b',
    };
    expect(pathOf(root, call, server)).toEqual(['root 0-10', 'server 10-90', 'root 90-100']);
  });

  test('ignores children that lie wholly outside their parent', () => {
    expect(pathOf(root, child('before', -50, 0), child('after', 100, 160))).toEqual(['root 0-100']);
  });

  test('cuts a child that starts before its parent', () => {
    expect(pathOf(root, child('early', -50, 40))).toEqual(['early 0-40', 'root 40-100']);
  });

  test('goes down every level', () => {
    const leaf: SpanSketch = { name: 'leaf', parent: 'mid', start: 20, duration: 30 };
    expect(pathOf(root, child('mid', 10, 90), leaf)).toEqual([
      'root 0-10',
      'mid 10-20',
      'leaf 20-50',
      'mid 50-90',
      'root 90-100',
    ]);
  });

  test('starts at the true root, not at a stand-in that is wider', () => {
    const lost: SpanSketch[] = [1, 2, 3].map((i) => ({ name: `o${i}`, parent: 'gone', start: -9, duration: 500 }));
    const trace = arrange(tableOf([...lost, root]));
    expect(trace.strings[trace.name[mainRoot(trace)]]).toBe('root');
    expect(criticalPath(arrange(tableOf(lost))).segmentNode).toHaveLength(1);
  });

  test('of a trace in which nothing takes time has no segments and ends', () => {
    const trace = arrange(tableOf([{ ...root, duration: 0 }, child('a', 0, 0), child('b', 0, 0)]));
    const path = criticalPath(trace);
    expect(path.segmentNode).toHaveLength(0);
    expect([...path.onPath]).toEqual([1, 1, 1]);
  });

  test('of an empty trace is empty', () => {
    expect(criticalPath(arrange(tableOf([]))).root).toBe(-1);
  });

  test('of a subtree explains that subtree', () => {
    const trace = arrange(
      tableOf([root, child('mid', 10, 90), { name: 'leaf', parent: 'mid', start: 20, duration: 30 }]),
    );
    const path = criticalPath(trace, 1);
    expect([path.segmentStart[0], path.segmentEnd.at(-1)]).toEqual([10, 90]);
    expect([...path.onPath]).toEqual([0, 1, 1]);
  });

  test('covers the duration of its root exactly, each part within its span, on any trace', () => {
    fc.assert(
      fc.property(randomSketches(), (sketches) => {
        const trace = arrange(tableOf(sketches));
        const path = criticalPath(trace);
        const root = mainRoot(trace);
        let at = trace.start[root];
        for (const [i, node] of path.segmentNode.entries()) {
          expect(path.segmentStart[i]).toBe(at);
          expect(path.segmentEnd[i]).toBeGreaterThan(at);
          at = path.segmentEnd[i]!;
          expect(path.segmentStart[i]).toBeGreaterThanOrEqual(trace.start[node]);
          expect(at).toBeLessThanOrEqual(trace.start[node] + trace.duration[node]);
        }
        expect(at).toBe(trace.start[root] + trace.duration[root]);
        for (let node = 0; node < trace.count; node++) {
          const parent = trace.parent[node];
          expect(path.onPath[node] === 0 || node === root || path.onPath[parent] === 1).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('of 70,000 levels and of 100,000 siblings is found without a call stack', () => {
    const levels = Array.from({ length: 70_000 }, (_, i): SpanSketch => {
      const span = { name: `s${i}`, start: i, duration: 140_000 - 2 * i };
      return i === 0 ? span : { ...span, parent: `s${i - 1}` };
    });
    expect(criticalPath(arrange(tableOf(levels))).segmentNode).toHaveLength(69_999 * 2 + 1);
    const siblings = Array.from({ length: 100_000 }, (_, i): SpanSketch => {
      if (i === 0) return { name: 's0', start: 0, duration: 200_000 };
      return { name: `s${i}`, parent: 's0', start: i * 2, duration: 1 };
    });
    expect(criticalPath(arrange(tableOf(siblings))).segmentNode).toHaveLength(99_999 * 2 + 1);
  });
});
