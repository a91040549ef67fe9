import { expect, it } from 'vitest';
import { spanJson } from '../test/reference-trace.ts';
import { buildTree, walkTree, type TreeNode } from './trace-tree.ts';

function shape(roots: TreeNode[]): string[] {
  return [...walkTree(roots)].map((node) => `${'.'.repeat(node.depth)}${Number.parseInt(node.span.span_id, 16)}`);
}

it('orders children by start, then id', () => {
  const spans = [
    spanJson({ id: 4, parent: 1, at: 5 }),
    spanJson({ id: 3, parent: 1, at: 5 }),
    spanJson({ id: 2, parent: 1, at: 6 }),
    spanJson({ id: 1 }),
  ];
  expect(shape(buildTree(spans))).toEqual(['1', '.3', '.4', '.2']);
});

it('makes a span whose parent is missing a root, and says so', () => {
  const roots = buildTree([spanJson({ id: 2, parent: 9, at: 1 }), spanJson({ id: 1 })]);
  expect(roots.map((root) => root.isOrphan)).toEqual([false, true]);
});

it('opens a circle at its earliest span, and loses none', () => {
  const spans = [
    spanJson({ id: 1, parent: 3, at: 2 }),
    spanJson({ id: 2, parent: 1, at: 1 }),
    spanJson({ id: 3, parent: 2, at: 3 }),
    spanJson({ id: 4, parent: 4 }),
  ];
  expect(shape(buildTree(spans))).toEqual(['4', '2', '.3', '..1']);
});

it('shows two spans of one id both', () => {
  const spans = [
    spanJson({ id: 1 }),
    spanJson({ id: 2, parent: 1 }),
    spanJson({ id: 2, parent: 1, at: 1 }),
    spanJson({ id: 3, parent: 2, at: 2 }),
  ];
  expect(shape(buildTree(spans))).toEqual(['1', '.2', '..3', '.2']);
});
