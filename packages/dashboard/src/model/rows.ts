import type { Grouping } from './repeats.ts';
import type { Trace } from './trace.ts';

/** What the waterfall shows, top to bottom. */
export interface Rows {
  readonly count: number;
  /** The node of each row; `-1 - group` where the row stands for a group of repeats. */
  readonly node: Int32Array;
  /** Steps of indentation. */
  readonly depth: Int32Array;
  /** The deepest of them. */
  readonly maxDepth: number;
}

export interface RowsOptions {
  /** 1 where a node's children are hidden. */
  readonly collapsed: Uint8Array;
  /** Where given, only nodes with 1 are shown: matches and what is above them. */
  readonly shown?: Uint8Array | undefined;
  /** Where given, only this node and what is below it. */
  readonly focus?: number | undefined;
  /** Where given, repeats stand together. */
  readonly grouping?: Grouping | undefined;
  /** 1 for each group that is open. */
  readonly openGroups?: Uint8Array | undefined;
}

/** The rows of the waterfall: one pass, skipping what is collapsed by its size. */
export function buildRows(trace: Trace, options: RowsOptions): Rows {
  const { collapsed, shown, grouping, openGroups } = options;
  const from = options.focus ?? 0;
  const to = options.focus === undefined ? trace.count : from + trace.size[from];
  const baseDepth = options.focus === undefined ? 0 : trace.depth[from];
  const node = new Int32Array(to - from + (grouping?.count ?? 0));
  const depth = new Int32Array(node.length);
  let count = 0;
  let maxDepth = 0;
  const add = (what: number, level: number): void => {
    node[count] = what;
    depth[count] = level;
    if (level > maxDepth) maxDepth = level;
    count++;
  };
  if (grouping === undefined) {
    for (let at = from; at < to;) {
      if (shown !== undefined && shown[at] === 0) {
        at += trace.size[at];
        continue;
      }
      add(at, trace.depth[at] - baseDepth);
      at += collapsed[at] === 1 ? trace.size[at] : 1;
    }
    return { count, node: node.subarray(0, count), depth: depth.subarray(0, count), maxDepth };
  }
  // Grouped, nodes are walked in the grouping's own order; `extra` is the indentation that open groups add.
  const { order, position, groupAt, groupEnd } = grouping;
  const first = position[from];
  const extraEnds: number[] = [];
  for (let at = first; at < first + (to - from);) {
    while (extraEnds.length > 0 && at >= extraEnds.at(-1)!) extraEnds.pop();
    const current = order[at];
    const group = at > first || options.focus === undefined ? groupAt[at] : -1;
    if (group >= 0 && (shown === undefined || anyShown(shown, order, at, groupEnd[group]))) {
      add(-1 - group, trace.depth[current] - baseDepth + extraEnds.length);
      if (openGroups?.[group] !== 1) {
        at = groupEnd[group]!;
        continue;
      }
      extraEnds.push(groupEnd[group]);
    }
    if (shown !== undefined && shown[current] === 0) {
      at += trace.size[current];
      continue;
    }
    add(current, trace.depth[current] - baseDepth + extraEnds.length);
    at += collapsed[current] === 1 ? trace.size[current] : 1;
  }
  return { count, node: node.subarray(0, count), depth: depth.subarray(0, count), maxDepth };
}

function anyShown(shown: Uint8Array, order: Int32Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (shown[order[at]] === 1) return true;
  return false;
}

/** 1 for each node with 1 in `matches`, and for everything above one. */
export function withAncestors(trace: Trace, matches: Uint8Array): Uint8Array {
  const shown = matches.slice();
  for (let node = trace.count - 1; node >= 0; node--) {
    const parent = trace.parent[node];
    if (shown[node] === 1 && parent >= 0) shown[parent] = 1;
  }
  return shown;
}

/** Collapses everything so that `levels` of the tree stay visible, counted from `focus` or the roots. */
export function collapseToLevel(trace: Trace, levels: number, focus?: number): Uint8Array {
  const collapsed = new Uint8Array(trace.count);
  const base = focus === undefined ? 0 : trace.depth[focus];
  for (let node = 0; node < trace.count; node++)
    if (trace.size[node] > 1 && trace.depth[node] - base >= levels - 1) collapsed[node] = 1;
  return collapsed;
}

/** Opens everything above `node`. */
export function reveal(trace: Trace, collapsed: Uint8Array, node: number): Uint8Array {
  let opened: Uint8Array | undefined;
  for (let above = trace.parent[node]; above >= 0; above = trace.parent[above]!)
    if (collapsed[above] === 1) (opened ??= collapsed.slice())[above] = 0;
  return opened ?? collapsed;
}
