import type { SpanData } from '@forge/core';

/** The rows of a trace in an order that puts parents before their children, and each row's parent row (-1: a root). */
export interface SpanTree {
  readonly order: readonly number[];
  readonly parent: readonly number[];
}

/**
 * Built without recursion. A span whose parent is not stored is a root; a circle of parents is opened at its first span;
 * of two spans with one id the first has the children.
 */
export function spanTree(spans: readonly SpanData[]): SpanTree {
  const rowOf = new Map<string, number>();
  for (const [row, span] of spans.entries()) if (!rowOf.has(span.spanId)) rowOf.set(span.spanId, row);
  const parent = spans.map(({ parentSpanId }) => (parentSpanId === undefined ? -1 : (rowOf.get(parentSpanId) ?? -1)));
  const children = new Map<number, number[]>();
  for (const [row, up] of parent.entries()) {
    if (up === -1) continue;
    const siblings = children.get(up);
    if (siblings === undefined) children.set(up, [row]);
    else siblings.push(row);
  }
  const placed = new Uint8Array(spans.length);
  const order: number[] = [];
  const place = (root: number): void => {
    const from = order.push(root) - 1;
    placed[root] = 1;
    for (let i = from; i < order.length; i++) {
      for (const child of children.get(order[i]) ?? []) {
        if (placed[child] === 1) continue;
        placed[child] = 1;
        order.push(child);
      }
    }
  };
  for (const [row, up] of parent.entries()) if (up === -1) place(row);
  for (let row = 0; row < spans.length; row++) {
    if (placed[row] === 1) continue;
    parent[row] = -1;
    place(row);
  }
  return { order, parent };
}

/** Of each row, the microseconds in which none of its children ran. */
export function selfTimesUs(spans: readonly SpanData[], tree: SpanTree): number[] {
  const self = spans.map((span) => span.durationUs);
  // By start: each child then adds only what reaches past the ones before it.
  const rows = [...spans.keys()].sort((a, b) => spans[a].startUnixUs - spans[b].startUnixUs);
  const coveredUntil = spans.map((span) => span.startUnixUs);
  for (const row of rows) {
    const up = tree.parent[row];
    if (up === -1) continue;
    const from = Math.max(spans[row].startUnixUs, coveredUntil[up]);
    const until = Math.min(
      spans[row].startUnixUs + spans[row].durationUs,
      spans[up].startUnixUs + spans[up].durationUs,
    );
    if (until <= from) continue;
    self[up] -= until - from;
    coveredUntil[up] = until;
  }
  return self;
}
