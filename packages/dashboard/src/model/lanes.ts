import type { Trace } from './trace.ts';

/**
 * Where each span stands in the flame view. Every span has the time axis to itself across, and a lane down that is
 * below its parent's; spans that run at once never share one, so concurrent children lie under each other.
 */
export interface Lanes {
  /** Number of lanes. */
  readonly count: number;
  /** Lane of each node, 0 on top. */
  readonly lane: Int32Array;
  /** Nodes of lane l by time: nodes[begin[l]] to nodes[begin[l + 1] - 1]. */
  readonly begin: Int32Array;
  readonly nodes: Int32Array;
}

/** So that spans without duration at one moment don't hide each other. */
const INSTANT_US = 1e-6;

/** Gives each span, in order of time, the first free lane below its parent's. O(n log n), iterative. */
export function packLanes(trace: Trace): Lanes {
  const { count, parent, start, duration } = trace;
  // A child that starts before its parent waits for it here: its parent's lane must be known.
  const turn = new Float64Array(count);
  const turns = new Int32Array(count);
  let sorted = true;
  for (let node = 0; node < count; node++) {
    const above = parent[node];
    turn[node] = above < 0 ? start[node] : Math.max(start[node], turn[above]);
    turns[node] = node;
    if (node > 0 && turn[node] < turn[node - 1]) sorted = false;
  }
  if (!sorted) turns.sort((a, b) => turn[a] - turn[b] || a - b);

  const lane = new Int32Array(count);
  const free = new FreeLanes(count);
  let lanes = 0;
  for (const node of turns) {
    const above = parent[node];
    const at = free.first(above < 0 ? 0 : lane[above] + 1, start[node]);
    free.set(at, start[node] + Math.max(duration[node], INSTANT_US));
    lane[node] = at;
    if (at >= lanes) lanes = at + 1;
  }
  const begin = new Int32Array(lanes + 1);
  for (const at of lane) begin[at + 1]++;
  for (let at = 0; at < lanes; at++) begin[at + 1] += begin[at];
  const next = begin.slice();
  const nodes = new Int32Array(count);
  // In the order of turns each lane fills by time, as a lane is free only after its last end.
  for (const node of turns) nodes[next[lane[node]]++] = node;
  return { count: lanes, lane, begin, nodes };
}

/** A segment tree of the time at which each lane gets free. */
class FreeLanes {
  readonly #width: number;
  /** Node i has the smaller of its children 2i and 2i + 1; lanes are the leaves from `width` on. */
  readonly #least: Float64Array;

  constructor(lanes: number) {
    let width = 1;
    while (width < lanes + 1) width *= 2;
    this.#width = width;
    this.#least = new Float64Array(width * 2).fill(-Infinity);
  }

  set(lane: number, until: number): void {
    const least = this.#least;
    let at = lane + this.#width;
    least[at] = until;
    for (at >>= 1; at >= 1; at >>= 1) least[at] = Math.min(least[at * 2], least[at * 2 + 1]);
  }

  /** The first lane from `from` on that is free at `us`. There always is one: there are more lanes than spans. */
  first(from: number, us: number): number {
    const least = this.#least;
    let at = from + this.#width;
    // Up while nothing is free at or right of `at` under its parent, then down to the leftmost.
    while (least[at] > us) {
      while ((at & 1) === 1) at >>= 1;
      at++;
    }
    while (at < this.#width) at = least[at * 2] <= us ? at * 2 : at * 2 + 1;
    return at - this.#width;
  }
}
