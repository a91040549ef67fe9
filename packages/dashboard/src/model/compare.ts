import { STATUS_ERROR } from './span-table.ts';
import type { Trace } from './trace.ts';

/** What one trace has at a place of the merged tree. */
export interface CompareSide {
  readonly spans: number;
  readonly errors: number;
  /** Sums over those spans, microseconds. */
  readonly totalUs: number;
  readonly selfUs: number;
  /** The first of them; -1 where there is none. */
  readonly node: number;
}

/** Spans of both traces that do the same at the same place: same service, name and resource, under the same chain. */
export interface CompareRow {
  readonly service: string;
  readonly name: string;
  readonly resource: string;
  readonly depth: number;
  /** Rows of the subtree, this one included. */
  size: number;
  readonly left: CompareSide;
  readonly right: CompareSide;
}

const ABSENT: CompareSide = { spans: 0, errors: 0, totalUs: 0, selfUs: 0, node: -1 };

/** Merges two traces into one tree, in order. Linear in spans plus the sorting of siblings; iterative. */
export function compareTraces(left: Trace, right: Trace): CompareRow[] {
  const rows: CompareRow[] = [];
  const parents: number[] = [];
  const stack: { left: number[]; right: number[]; depth: number; parent: number }[] = [];
  const push = (leftNodes: Iterable<number>, rightNodes: Iterable<number>, depth: number, parent: number): void => {
    const places = new Map<string, { left: number[]; right: number[]; at: number }>();
    const add = (trace: Trace, node: number, side: 'left' | 'right'): void => {
      const key = `${text(trace, trace.service[node])}\0${text(trace, trace.name[node])}\0${text(trace, trace.resource[node])}`;
      let place = places.get(key);
      if (place === undefined)
        places.set(key, (place = { left: [], right: [], at: trace.start[node] - trace.startUs }));
      place[side].push(node);
    };
    for (const node of leftNodes) add(left, node, 'left');
    for (const node of rightNodes) add(right, node, 'right');
    // By start, what the left one has first; the last goes onto the stack first.
    const inOrder = [...places.values()].reverse().sort((a, b) => b.at - a.at);
    for (const place of inOrder) stack.push({ left: place.left, right: place.right, depth, parent });
  };
  push(childrenOf(left, -1), childrenOf(right, -1), 0, -1);
  for (let place = stack.pop(); place !== undefined; place = stack.pop()) {
    const trace = place.left.length > 0 ? left : right;
    const sample = place.left[0] ?? place.right[0];
    const at = rows.length;
    parents.push(place.parent);
    rows.push({
      service: text(trace, trace.service[sample]),
      name: text(trace, trace.name[sample]),
      resource: text(trace, trace.resource[sample]),
      depth: place.depth,
      size: 1,
      left: side(left, place.left),
      right: side(right, place.right),
    });
    push(childrenOfAll(left, place.left), childrenOfAll(right, place.right), place.depth + 1, at);
  }
  for (let at = rows.length - 1; at >= 0; at--) if (parents[at] >= 0) rows[parents[at]].size += rows[at].size;
  return rows;
}

function text(trace: Trace, at: number): string {
  return trace.strings[at] ?? '';
}

function* childrenOf(trace: Trace, node: number): Iterable<number> {
  const end = node < 0 ? trace.count : node + trace.size[node];
  for (let child = node + 1; child < end; child += trace.size[child]) yield child;
}

function* childrenOfAll(trace: Trace, nodes: readonly number[]): Iterable<number> {
  for (const node of nodes) yield* childrenOf(trace, node);
}

function side(trace: Trace, nodes: readonly number[]): CompareSide {
  if (nodes.length === 0) return ABSENT;
  let errors = 0;
  let totalUs = 0;
  let selfUs = 0;
  for (const node of nodes) {
    if (trace.status[node] === STATUS_ERROR) errors++;
    totalUs += trace.duration[node];
    selfUs += trace.self[node];
  }
  return { spans: nodes.length, errors, totalUs, selfUs, node: nodes[0] };
}
