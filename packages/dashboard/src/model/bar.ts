import { Flag } from './span-table.ts';
import type { CriticalPath } from './critical-path.ts';
import type { TimeScale } from './time-scale.ts';
import { endOf, type Trace } from './trace.ts';

/** The part of the axis that is drawn, and how wide. */
export interface Viewport {
  readonly scale: TimeScale;
  /** Places of the scale at the left and right edge. */
  readonly from: number;
  readonly to: number;
  readonly widthPx: number;
  /** Pixels right of it that are seen too: room for labels, and for bars that go on. */
  readonly roomPx: number;
}

/** Where a span's bar stands, in pixels of the viewport. */
export interface Bar {
  readonly left: number;
  readonly width: number;
  /** On which side it lies outside the viewport; undefined while any of it is within. */
  readonly beyond: 'left' | 'right' | undefined;
  /** Start, from the bar's left, of the part that outlives the parent; undefined where there is none. */
  readonly tailLeft: number | undefined;
  /** Stretches in which a child ran, from the bar's left: the rest is the span's own time. */
  readonly covered: readonly Stretch[];
}

export type Stretch = readonly [left: number, right: number];

/** A bar is at least this wide, so that what takes no time is still seen. */
export const MIN_BAR_PX = 2;
/** Bars are cut at the viewport's left edge and this far beyond the right: browsers draw badly what is millions wide. */
const MARGIN_PX = 8;
/** Gaps that are narrower are not seen. */
const MIN_GAP_PX = 0.5;
/** More stretches are drawn coarser: nobody tells them apart, and each costs. */
const MAX_STRETCHES = 120;
/** Clocks of two processes agree to the millisecond at best: a child that ends within it has no tail. */
const CLOCK_US = 1000;

export function pxOf(us: number, view: Viewport): number {
  return ((view.scale.place(us) - view.from) / (view.to - view.from)) * view.widthPx;
}

export function barOf(trace: Trace, node: number, view: Viewport): Bar {
  const startPx = pxOf(trace.start[node], view);
  const endPx = pxOf(endOf(trace, node), view);
  const edge = view.widthPx + view.roomPx;
  const beyond = endPx < 0 ? 'left' : startPx > edge ? 'right' : undefined;
  // What takes no time at the right edge is drawn within it.
  const left = Math.max(0, Math.min(startPx, edge - MIN_BAR_PX));
  const width = Math.max(MIN_BAR_PX, Math.min(endPx, edge + MARGIN_PX) - left);
  return {
    left,
    width,
    beyond,
    tailLeft: tailOf(trace, node, left, width, view),
    covered: coveredOf(trace, node, left, width, view),
  };
}

function tailOf(trace: Trace, node: number, left: number, width: number, view: Viewport): number | undefined {
  const parent = trace.parent[node];
  if (parent < 0 || (trace.flags[parent] & Flag.missing) !== 0) return undefined;
  const parentEnd = endOf(trace, parent);
  const isOneClock = trace.process[node] === trace.process[parent] && trace.service[node] === trace.service[parent];
  if (endOf(trace, node) <= parentEnd + (isOneClock ? 0 : CLOCK_US)) return undefined;
  const tail = Math.max(0, pxOf(Math.max(parentEnd, trace.start[node]), view) - left);
  return tail >= width ? undefined : tail;
}

function coveredOf(trace: Trace, node: number, left: number, width: number, view: Viewport): Stretch[] {
  if (width < 4) return [];
  const end = node + trace.size[node];
  const toUs = endOf(trace, node);
  return bounded(width, (add) => {
    for (let child = node + 1; child < end; child += trace.size[child]) {
      if (trace.start[child] >= toUs) break;
      const from = pxOf(trace.start[child], view) - left;
      if (from >= width) break;
      add(Math.max(0, from), Math.min(width, pxOf(Math.min(endOf(trace, child), toUs), view) - left));
    }
  });
}

/** Joins stretches that come by start, coarser where there are too many. */
function bounded(width: number, each: (add: (from: number, to: number) => void) => void): Stretch[] {
  for (const gap of [MIN_GAP_PX, Math.max(MIN_GAP_PX, width / MAX_STRETCHES)]) {
    const stretches: [number, number][] = [];
    each((from, to) => {
      const last = stretches.at(-1);
      if (to <= from || to <= 0) return;
      if (last !== undefined && from <= last[1] + gap) last[1] = Math.max(last[1], to);
      else if (stretches.length <= MAX_STRETCHES) stretches.push([from, to]);
    });
    if (stretches.length <= MAX_STRETCHES) return stretches;
  }
  return [];
}

/** Stretches of the critical path in which each node itself is on it: `[node's first, node's last)` of `order`. */
export interface PathIndex {
  readonly begin: Int32Array;
  readonly order: Int32Array;
}

/** Segments by node, each node's by time. */
export function indexPath(path: CriticalPath): PathIndex {
  const begin = new Int32Array(path.onPath.length + 1);
  for (const node of path.segmentNode) begin[node + 1]++;
  for (let node = 1; node < begin.length; node++) begin[node] += begin[node - 1];
  const next = begin.slice();
  const order = new Int32Array(path.segmentNode.length);
  for (let segment = 0; segment < order.length; segment++) order[next[path.segmentNode[segment]]++] = segment;
  return { begin, order };
}

/** The node's own stretches of the path in pixels of the viewport, those that touch drawn as one. */
export function pathStretches(path: CriticalPath, index: PathIndex, node: number, view: Viewport): Stretch[] {
  return bounded(view.widthPx + view.roomPx, (add) => {
    for (let at = index.begin[node]; at < index.begin[node + 1]; at++) {
      const segment = index.order[at];
      const from = Math.max(0, pxOf(path.segmentStart[segment], view));
      const edge = view.widthPx + view.roomPx;
      if (from >= edge) break;
      add(from, Math.max(from + 1, Math.min(edge + MARGIN_PX, pxOf(path.segmentEnd[segment], view))));
    }
  });
}

/** A CSS gradient of stretches in one colour on another; undefined where there are none. */
export function stripes(stretches: readonly Stretch[], on: string, off: string): string | undefined {
  if (stretches.length === 0) return undefined;
  const stops: string[] = [];
  let at = '0';
  for (const [left, right] of stretches) {
    const [from, to] = [`${left.toFixed(1)}px`, `${right.toFixed(1)}px`];
    stops.push(`${off} ${at} ${from}`, `${on} ${from} ${to}`);
    at = to;
  }
  stops.push(`${off} ${at} 100%`);
  return `linear-gradient(90deg, ${stops.join(', ')})`;
}
