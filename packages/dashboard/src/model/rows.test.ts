import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { randomSketches } from '../../test/support/random-sketches.ts';
import { tableOf, type SpanSketch } from '../../test/support/table-of.ts';
import { arrange } from './arrange.ts';
import { groupRepeats } from './repeats.ts';
import { buildRows, collapseToLevel, reveal, withAncestors, type RowsOptions } from './rows.ts';

const sketches: SpanSketch[] = [
  { name: 'root', start: 0, duration: 100 },
  { name: 'a', parent: 'root', start: 1, duration: 40 },
  { name: 'q1', parent: 'a', start: 2, duration: 1, resource: 'SELECT' },
  { name: 'b', parent: 'root', start: 50, duration: 40 },
  { name: 'b1', parent: 'b', start: 51, duration: 1 },
];
const trace = arrange(tableOf(sketches));
const none = new Uint8Array(trace.count);

function names(options: Partial<RowsOptions> = {}, of = trace): string[] {
  const rows = buildRows(of, { collapsed: new Uint8Array(of.count), ...options });
  return Array.from(rows.node, (node, at) => {
    const name = node < 0 ? `group ${-1 - node}` : of.strings[of.name[node]];
    return `${rows.depth[at]}:${name}`;
  });
}

describe('rows', () => {
  test('are all nodes while nothing is collapsed', () => {
    expect(names()).toEqual(['0:root', '1:a', '2:q1', '1:b', '2:b1']);
  });

  test('leave out what is below a collapsed node', () => {
    const collapsed = none.slice();
    collapsed[1] = 1;
    expect(names({ collapsed })).toEqual(['0:root', '1:a', '1:b', '2:b1']);
  });

  test('keep the way to a match and leave out the rest', () => {
    const matches = none.slice();
    matches[2] = 1;
    expect(names({ shown: withAncestors(trace, matches) })).toEqual(['0:root', '1:a', '2:q1']);
  });

  test('of a focused subtree start at its root with no indentation', () => {
    expect(names({ focus: 3 })).toEqual(['0:b', '1:b1']);
  });

  test('collapse to any level, counted from the focus', () => {
    expect(names({ collapsed: collapseToLevel(trace, 1) })).toEqual(['0:root']);
    expect(names({ collapsed: collapseToLevel(trace, 2) })).toEqual(['0:root', '1:a', '1:b']);
    expect(names({ collapsed: collapseToLevel(trace, 1, 1), focus: 1 })).toEqual(['0:a']);
  });

  test('reveal a node by opening exactly what is above it', () => {
    const opened = reveal(trace, collapseToLevel(trace, 1), 2);
    expect(names({ collapsed: opened })).toEqual(['0:root', '1:a', '2:q1', '1:b']);
    expect(reveal(trace, none, 2)).toBe(none);
  });
});

const loop = arrange(
  tableOf([
    { name: 'root', start: 0, duration: 100 },
    ...Array.from({ length: 3 }, (_, i): SpanSketch[] => [
      { name: `item${i}`, parent: 'root', start: i * 10, duration: 8, resource: 'item', status: i === 1 ? 2 : 0 },
      { name: `other${i}`, parent: 'root', start: i * 10 + 9, duration: 1, resource: `other${i}` },
      { name: `sub${i}`, parent: `item${i}`, start: i * 10 + 1, duration: 2 },
    ])
      .flat()
      .map((sketch) => sketch),
  ]),
);

describe('repeats', () => {
  // In tableOf every span has a name of its own, so grouping needs one shared name.
  const shared = { ...loop, name: loop.name.map((_, node) => (loop.depth[node] === 1 ? 0 : loop.name[node])) };
  const grouping = groupRepeats(shared);

  test('of three siblings that do the same stand together as one row, though others ran between them', () => {
    expect([grouping.count, grouping.members[0], grouping.errors[0], grouping.totalUs[0]]).toEqual([1, 3, 1, 24]);
    const rows = buildRows(shared, { collapsed: new Uint8Array(shared.count), grouping });
    expect([...rows.node].map((node) => (node < 0 ? 'group' : shared.strings[shared.resource[node]]))).toEqual([
      'root',
      'group',
      'other0',
      'other1',
      'other2',
    ]);
  });

  test('open to their members, with what is below them, one step further in', () => {
    const openGroups = Uint8Array.of(1);
    const rows = buildRows(shared, { collapsed: new Uint8Array(shared.count), grouping, openGroups });
    const shown = Array.from(rows.node, (node, at) =>
      node < 0 ? `${rows.depth[at]}:group` : `${rows.depth[at]}:${shared.strings[shared.resource[node]]}`,
    );
    expect(shown).toEqual([
      '0:root',
      '1:group',
      '2:item',
      '3:sub0',
      '2:item',
      '3:sub1',
      '2:item',
      '3:sub2',
      '1:other0',
      '1:other1',
      '1:other2',
    ]);
  });

  test('are not made of two', () => {
    const two = arrange(
      tableOf([
        { name: 'root', start: 0, duration: 9 },
        { name: 'x', parent: 'root', start: 1, duration: 1 },
        { name: 'x', parent: 'root', start: 2, duration: 1 },
        { name: 'y', parent: 'root', start: 3, duration: 1 },
      ]),
    );
    expect(groupRepeats(two).count).toBe(0);
  });

  test('hold every node exactly once when all are open, on any trace', () => {
    fc.assert(
      fc.property(randomSketches(), (sketches) => {
        const base = arrange(tableOf(sketches));
        const trace = { ...base, name: base.name.map(() => 0) };
        const grouping = groupRepeats(trace);
        const openGroups = new Uint8Array(grouping.count).fill(1);
        const rows = buildRows(trace, { collapsed: new Uint8Array(trace.count), grouping, openGroups });
        const shown = [...rows.node].filter((node) => node >= 0).sort((a, b) => a - b);
        expect(shown).toEqual([...Array(trace.count).keys()]);
        expect([...rows.node].filter((node) => node < 0)).toHaveLength(grouping.count);
        for (let group = 0; group < grouping.count; group++) {
          const members = [...grouping.groupOf].filter((of) => of === group).length;
          expect(members).toBe(grouping.members[group]);
          expect(members).toBeGreaterThanOrEqual(3);
        }
      }),
      { numRuns: 200 },
    );
  });
});
