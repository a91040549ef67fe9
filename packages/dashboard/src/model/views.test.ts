import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { randomSketches } from '../../test/support/random-sketches.ts';
import { tableOf, type SpanSketch } from '../../test/support/table-of.ts';
import { arrange } from './arrange.ts';
import { compareTraces } from './compare.ts';
import { packLanes } from './lanes.ts';
import { rasterize } from './minimap.ts';
import { serviceGraph } from './service-graph.ts';
import { groupSpans, sortSpans } from './span-list.ts';
import { TimeScale } from './time-scale.ts';

const sketches: SpanSketch[] = [
  { name: 'root', start: 0, duration: 100, service: 'gateway' },
  { name: 'a', parent: 'root', start: 0, duration: 50, service: 'api', resource: 'call' },
  { name: 'b', parent: 'root', start: 40, duration: 40, service: 'api', status: 2, resource: 'call' },
  { name: 'c', parent: 'root', start: 90, duration: 10, service: 'db' },
  { name: 'd', parent: 'a', start: 10, duration: 20, service: 'db' },
];
const trace = arrange(tableOf(sketches));
const nameOf = (node: number): string => trace.strings[trace.name[node]] ?? '?';

describe('lanes of the flame view', () => {
  test('put children below, spans that run at once apart, and fill lanes again', () => {
    const lanes = packLanes(trace);
    const at = Object.fromEntries(Array.from(lanes.lane, (lane, node) => [nameOf(node), lane]));
    expect(at).toEqual({ root: 0, a: 1, d: 2, b: 2, c: 1 });
    expect(lanes.count).toBe(3);
  });

  test('never hold two spans at one time, and hold each lane by time, on any trace', () => {
    fc.assert(
      fc.property(randomSketches(), (sketches) => {
        const trace = arrange(tableOf(sketches));
        const lanes = packLanes(trace);
        expect([...lanes.nodes].sort((a, b) => a - b)).toEqual([...Array(trace.count).keys()]);
        for (let lane = 0; lane < lanes.count; lane++) {
          let busyTo = -Infinity;
          for (let at = lanes.begin[lane]; at < lanes.begin[lane + 1]; at++) {
            const node = lanes.nodes[at];
            expect(lanes.lane[node]).toBe(lane);
            expect(trace.start[node]).toBeGreaterThanOrEqual(busyTo);
            busyTo = trace.start[node] + trace.duration[node];
            expect(trace.parent[node] < 0 || lane > lanes.lane[trace.parent[node]]).toBe(true);
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  test('separate spans without duration at one moment', () => {
    const instants = arrange(tableOf(['x', 'y', 'z'].map((name) => ({ name, start: 5, duration: 0 }))));
    expect([...packLanes(instants).lane]).toEqual([0, 1, 2]);
  });

  test('of 100,000 siblings at once are 100,001', () => {
    const wide = arrange(
      tableOf(
        Array.from({ length: 100_001 }, (_, i): SpanSketch => {
          const span = { name: `s${i}`, start: 0, duration: 10 };
          return i === 0 ? span : { ...span, parent: 's0' };
        }),
      ),
    );
    expect(packLanes(wide).count).toBe(100_001);
  });
});

describe('the minimap', () => {
  test('draws each span in its line, the services by their strings, errors marked', () => {
    const raster = rasterize(trace, new TimeScale(0, 100), 10, 5);
    const line = (y: number): string =>
      Array.from(raster.service.slice(y * 10, y * 10 + 10), (at) => (at < 0 ? '.' : trace.strings[at][0])).join('');
    expect([0, 1, 2, 3, 4].map(line)).toEqual(['gggggggggg', 'aaaaa.....', '.dd.......', '....aaaa..', '.........d']);
    expect([...raster.error.entries()].filter(([, mark]) => mark === 1).map(([at]) => at)).toEqual([34]);
  });

  test('of many spans in few pixels ends in the time of both together', () => {
    const many = arrange(
      tableOf(Array.from({ length: 50_000 }, (_, i): SpanSketch => ({ name: `s${i}`, start: 0, duration: 1_000 }))),
    );
    const raster = rasterize(many, new TimeScale(0, 1_000), 1_000, 40);
    expect(raster.service.every((at) => at >= 0)).toBe(true);
  });

  test('of spans without any duration draws them on the left', () => {
    const instants = arrange(tableOf(['x', 'y'].map((name) => ({ name, start: 5, duration: 0 }))));
    const raster = rasterize(instants, new TimeScale(5, 5), 4, 2);
    expect([...raster.service].map((at) => at >= 0)).toEqual([true, false, false, false, true, false, false, false]);
  });
});

describe('the map of one trace', () => {
  test('counts calls between services with their errors and mean', () => {
    const graph = serviceGraph(trace);
    expect(graph.edges).toEqual([
      { from: 'gateway', to: 'api', calls: 2, errors: 1, meanUs: 45 },
      { from: 'api', to: 'db', calls: 1, errors: 0, meanUs: 20 },
      { from: 'gateway', to: 'db', calls: 1, errors: 0, meanUs: 10 },
    ]);
  });
});

describe('the list of spans', () => {
  test('sorts by any column both ways, ties in the order of the tree', () => {
    const sorted = (key: Parameters<typeof sortSpans>[1]['key'], descending = false): string =>
      [...sortSpans(trace, { key, descending })].map(nameOf).join('');
    expect(sorted('duration', true)).toBe('rootabdc');
    expect(sorted('self', true)).toBe('badrootc');
    expect(sorted('service')).toBe('abdcroot');
    expect(sorted('start')).toBe('rootadbc');
    expect(sorted('errors', true)).toBe('brootadc');
  });

  test('groups what does the same, by self time', () => {
    const named = { ...trace, name: trace.name.map((at, node) => (trace.service[node] === trace.service[1] ? 0 : at)) };
    const [first] = groupSpans(named);
    expect(first).toMatchObject({ spans: 2, errors: 1, totalUs: 90, selfUs: 70, medianUs: 40, p95Us: 50, maxUs: 50 });
  });

  test('leaves out stand-ins for missing parents', () => {
    const orphan = arrange(tableOf([{ name: 'lost', parent: 'feed', start: 0, duration: 1 }]));
    expect(sortSpans(orphan, { key: 'start', descending: false })).toHaveLength(1);
    expect(groupSpans(orphan)).toHaveLength(1);
  });
});

describe('comparing two traces', () => {
  const other = arrange(
    tableOf([
      { name: 'root', start: 0, duration: 200, service: 'gateway' },
      { name: 'a', parent: 'root', start: 0, duration: 150, service: 'api', resource: 'call' },
      { name: 'new', parent: 'a', start: 10, duration: 20, service: 'cache' },
    ]),
  );

  test('merges what does the same at the same place and keeps what only one has', () => {
    const rows = compareTraces(trace, other).map(({ name, depth, size, left, right }) => [
      `${depth}:${name}`,
      size,
      [left.spans, left.totalUs],
      [right.spans, right.totalUs],
    ]);
    expect(rows).toEqual([
      ['0:root', 6, [1, 100], [1, 200]],
      ['1:a', 3, [1, 50], [1, 150]],

      ['2:d', 1, [1, 20], [0, 0]],
      ['2:new', 1, [0, 0], [1, 20]],
      ['1:b', 1, [1, 40], [0, 0]],
      ['1:c', 1, [1, 10], [0, 0]],
    ]);
  });

  test('with itself finds no difference', () => {
    for (const { left, right } of compareTraces(trace, trace)) expect(left).toEqual(right);
  });

  test('counts every span of both once, on any two traces', () => {
    fc.assert(
      fc.property(randomSketches(), randomSketches(), (one, two) => {
        const rows = compareTraces(arrange(tableOf(one)), arrange(tableOf(two)));
        const standIns = (sketches: SpanSketch[]): number => arrange(tableOf(sketches)).missingParents;
        expect(rows.reduce((sum, { left }) => sum + left.spans, 0)).toBe(one.length + standIns(one));
        expect(rows.reduce((sum, { right }) => sum + right.spans, 0)).toBe(two.length + standIns(two));
      }),
    );
  });
});
