import fc from 'fast-check';
import { expect, it } from 'vitest';
import { spanJson } from '../test/reference-trace.ts';
import { criticalPath } from './critical-path.ts';
import { buildTree } from './trace-tree.ts';

type Spec = Parameters<typeof spanJson>[0];

/** Segments as `id:from-to`, from the trace's start. */
function path(...specs: Spec[]): string[] {
  const [root] = buildTree(specs.map(spanJson));
  const startUs = root.span.start_us - (specs[0].at ?? 0);
  return criticalPath(root).map(
    ({ node, startUs: from, endUs }) =>
      `${Number.parseInt(node.span.span_id, 16)}:${from - startUs}-${endUs - startUs}`,
  );
}

it('is the root alone where it has no children', () => {
  expect(path({ id: 1, us: 10 })).toEqual(['1:0-10']);
});

it('follows the child that ended last, and leaves out what ran beside it', () => {
  expect(
    path(
      { id: 1, us: 100 },
      { id: 2, parent: 1, at: 10, us: 40 },
      { id: 3, parent: 1, at: 20, us: 20 },
      { id: 4, parent: 1, at: 60, us: 30 },
    ),
  ).toEqual(['1:0-10', '2:10-50', '1:50-60', '4:60-90', '1:90-100']);
});

it('takes siblings that follow each other without a gap', () => {
  expect(
    path(
      { id: 1, us: 30 },
      { id: 2, parent: 1, at: 0, us: 10 },
      { id: 3, parent: 1, at: 10, us: 10 },
      { id: 4, parent: 1, at: 20, us: 10 },
    ),
  ).toEqual(['2:0-10', '3:10-20', '4:20-30']);
});

it('takes siblings within one microsecond without losing any that fits', () => {
  expect(
    path(
      { id: 1, us: 2 },
      { id: 2, parent: 1, at: 0, us: 1 },
      { id: 3, parent: 1, at: 1, us: 0 },
      { id: 4, parent: 1, at: 1, us: 1 },
    ),
  ).toEqual(['2:0-1', '4:1-2']);
});

it('leaves out children that nobody waits for: consumers, and what starts after the parent’s end', () => {
  expect(
    path({ id: 1, us: 10 }, { id: 2, parent: 1, at: 5, us: 90, kind: 'consumer' }, { id: 3, parent: 1, at: 10, us: 5 }),
  ).toEqual(['1:0-10']);
});

it('counts of a child outside its parent the part inside', () => {
  expect(
    path({ id: 1, at: 10, us: 10 }, { id: 2, parent: 1, at: 5, us: 10 }, { id: 3, parent: 1, at: 17, us: 100 }),
  ).toEqual(['2:10-15', '1:15-17', '3:17-20']);
});

it('goes into grandchildren', () => {
  expect(path({ id: 1, us: 10 }, { id: 2, parent: 1, at: 2, us: 6 }, { id: 3, parent: 2, at: 3, us: 4 })).toEqual([
    '1:0-2',
    '2:2-3',
    '3:3-7',
    '2:7-8',
    '1:8-10',
  ]);
});

it('is right where the times of Unix begin', () => {
  const root = spanJson({ id: 1, us: 10, start_us: 0 });
  const child = spanJson({ id: 2, parent: 1, us: 4, start_us: 0 });
  expect(criticalPath(buildTree([root, child])[0]).map(({ startUs, endUs }) => [startUs, endUs])).toEqual([
    [0, 4],
    [4, 10],
  ]);
});

it('is found in a chain of 70,000 levels', () => {
  const chain = Array.from({ length: 70_000 }, (_, i) =>
    spanJson({ id: i + 1, ...(i === 0 ? {} : { parent: i }), us: 100 }),
  );
  const segments = criticalPath(buildTree(chain)[0]);
  expect(segments.map(({ node }) => node.span.span_id)).toEqual([chain.at(-1)!.span_id]);
});

it('covers the root’s time without a gap or an overlap, whatever the spans', () => {
  const specs = fc.array(fc.record({ parent: fc.nat(30), at: fc.nat(50), us: fc.nat(40), isAsync: fc.boolean() }), {
    maxLength: 30,
  });
  fc.assert(
    fc.property(specs, (children) => {
      const spans = [spanJson({ id: 1, at: 5, us: 30 })];
      for (const [i, { parent, at, us, isAsync }] of children.entries())
        spans.push(
          spanJson({ id: i + 2, parent: (parent % (i + 1)) + 1, at, us, kind: isAsync ? 'consumer' : 'internal' }),
        );
      const root = buildTree(spans)[0];
      let atUs = root.span.start_us;
      for (const { node, startUs, endUs } of criticalPath(root)) {
        expect(startUs).toBe(atUs);
        expect(endUs).toBeGreaterThan(startUs);
        expect(startUs).toBeGreaterThanOrEqual(node.span.start_us);
        expect(endUs).toBeLessThanOrEqual(node.span.start_us + node.span.duration_us);
        atUs = endUs;
      }
      expect(atUs).toBe(root.span.start_us + root.span.duration_us);
    }),
  );
});
