import { Status, type SpanData } from '@forge/core';
import { makeSpan } from '@forge/testing';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { compareTraces } from './compare.ts';
import { selfTimesUs, spanTree } from './span-tree.ts';

const START_US = Date.UTC(2026, 0, 1) * 1000;
const id = (n: number) => n.toString(16).padStart(16, '0');

function span(
  n: number,
  parent: number | undefined,
  at: number,
  durationUs: number,
  fields: Partial<SpanData> = {},
): SpanData {
  return makeSpan({
    spanId: id(n),
    parentSpanId: parent === undefined ? undefined : id(parent),
    startUnixUs: START_US + at,
    durationUs,
    ...fields,
  });
}

function trace(spans: SpanData[]) {
  return { traceId: 'a'.repeat(32), spans, kept: 'head', gaps: [] };
}

it('lays two traces over each other: what both have, and what only one has', () => {
  const query = { name: 'db.query', resource: 'SELECT users' };
  const a = trace([
    span(1, undefined, 0, 100),
    span(2, 1, 10, 20, query),
    span(3, 1, 40, 20, query),
    span(4, 1, 70, 5, { name: 'cache.get' }),
  ]);
  const b = trace([
    span(11, undefined, 0, 300, { status: Status.error }),
    span(12, 11, 10, 250, { ...query, status: Status.error }),
    span(13, 11, 5, 2, { name: 'auth.verify' }),
  ]);
  const { nodes } = compareTraces(a, b);
  expect(nodes.map((node) => [node.depth, node.parent, node.operation_name, node.a, node.b])).toEqual([
    [
      0,
      -1,
      'http.request',
      { spans: 1, errors: 0, duration_us: 100, self_us: 55 },
      { spans: 1, errors: 1, duration_us: 300, self_us: 48 },
    ],
    [1, 0, 'auth.verify', null, { spans: 1, errors: 0, duration_us: 2, self_us: 2 }],
    [
      1,
      0,
      'db.query',
      { spans: 2, errors: 0, duration_us: 40, self_us: 40 },
      { spans: 1, errors: 1, duration_us: 250, self_us: 250 },
    ],
    [1, 0, 'cache.get', { spans: 1, errors: 0, duration_us: 5, self_us: 5 }, null],
  ]);
});

const specs = fc.array(
  fc.record({ parent: fc.nat(30), at: fc.nat(40), us: fc.nat(40), name: fc.constantFrom('a', 'b', 'c') }),
  { minLength: 1, maxLength: 25 },
);
const draw = (drawn: { parent: number; at: number; us: number; name: string }[]) =>
  drawn.map(({ parent, at, us, name }, i) =>
    span(i + 1, parent === 0 ? undefined : parent, at, us, { name, resource: name }),
  );

it('loses no span, whatever the parents: circles, orphans, chains', () => {
  fc.assert(
    fc.property(specs, specs, (one, other) => {
      const [a, b] = [draw(one), draw(other)];
      const { nodes } = compareTraces(trace(a), trace(b));
      const sum = (side: 'a' | 'b') => nodes.reduce((total, node) => total + (node[side]?.spans ?? 0), 0);
      expect([sum('a'), sum('b')]).toEqual([a.length, b.length]);
      for (const [i, node] of nodes.entries()) {
        expect(node.parent).toBeLessThan(i);
        expect(node.depth).toBe(node.parent === -1 ? 0 : nodes[node.parent].depth + 1);
      }
    }),
  );
});

it('of a trace and itself finds no difference', () => {
  fc.assert(
    fc.property(specs, (one) => {
      for (const node of compareTraces(trace(draw(one)), trace(draw(one))).nodes) expect(node.b).toEqual(node.a);
    }),
  );
});

it('self times are what a count of each microsecond gives', () => {
  fc.assert(
    fc.property(specs, (drawn) => {
      const spans = draw(drawn);
      const tree = spanTree(spans);
      const counted = spans.map((one, row) => {
        let free = 0;
        for (let us = one.startUnixUs; us < one.startUnixUs + one.durationUs; us++) {
          const isBusy = spans.some(
            (child, other) =>
              tree.parent[other] === row && child.startUnixUs <= us && us < child.startUnixUs + child.durationUs,
          );
          if (!isBusy) free++;
        }
        return free;
      });
      expect(selfTimesUs(spans, tree)).toEqual(counted);
    }),
  );
});

it('compares chains of 70,000 levels', () => {
  const chain = trace(Array.from({ length: 70_000 }, (_, i) => span(i + 1, i === 0 ? undefined : i, i, 1)));
  expect(compareTraces(chain, chain).nodes.at(-1)?.depth).toBe(69_999);
});
