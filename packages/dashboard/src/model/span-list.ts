import { Flag, STATUS_ERROR } from './span-table.ts';
import type { Trace } from './trace.ts';

export type SpanSortKey = 'service' | 'name' | 'resource' | 'start' | 'duration' | 'self' | 'errors';

export interface SpanSort {
  readonly key: SpanSortKey;
  readonly descending: boolean;
}

/** The spans (no stand-ins) in an order; ties as in the tree. `only`: those with a 1. */
export function sortSpans(trace: Trace, sort: SpanSort, only?: Uint8Array): Int32Array {
  const nodes = new Int32Array(trace.count);
  let count = 0;
  for (let node = 0; node < trace.count; node++)
    if ((trace.flags[node] & Flag.missing) === 0 && (only === undefined || only[node] === 1)) nodes[count++] = node;
  const list = nodes.slice(0, count);
  const key = sortColumn(trace, sort.key);
  return list.sort(sort.descending ? (a, b) => key[b] - key[a] || a - b : (a, b) => key[a] - key[b] || a - b);
}

function sortColumn(trace: Trace, key: SpanSortKey): ArrayLike<number> {
  switch (key) {
    case 'start':
      return trace.start;
    case 'duration':
      return trace.duration;
    case 'self':
      return trace.self;
    case 'errors':
      return trace.status;
    case 'service':
    case 'name':
    case 'resource': {
      const rank = ranks(trace.strings);
      return trace[key].map((at) => rank[at] ?? -1);
    }
  }
}

function ranks(strings: readonly string[]): Int32Array {
  const order = Int32Array.from(strings.keys());
  const lower = strings.map((text) => text.toLowerCase());
  order.sort((a, b) => (lower[a] < lower[b] ? -1 : lower[a] > lower[b] ? 1 : a - b));
  const rank = new Int32Array(strings.length);
  for (const [at, string] of order.entries()) rank[string] = at;
  return rank;
}

/** All spans that do the same, together. */
export interface SpanGroup {
  readonly service: number;
  readonly name: number;
  readonly resource: number;
  readonly spans: number;
  readonly errors: number;
  readonly totalUs: number;
  readonly selfUs: number;
  readonly medianUs: number;
  readonly p95Us: number;
  readonly maxUs: number;
  /** The longest of them. */
  readonly longest: number;
}

/** Groups by service, name and resource; by summed self time, the most first. O(n log n). */
export function groupSpans(trace: Trace): SpanGroup[] {
  const groups = new Map<string, number[]>();
  for (let node = 0; node < trace.count; node++) {
    if ((trace.flags[node] & Flag.missing) !== 0) continue;
    const key = `${trace.service[node]},${trace.name[node]},${trace.resource[node]}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [node]);
    else group.push(node);
  }
  return Array.from(groups.values(), (nodes): SpanGroup => {
    let errors = 0;
    let totalUs = 0;
    let selfUs = 0;
    let longest = nodes[0];
    for (const node of nodes) {
      if (trace.status[node] === STATUS_ERROR) errors++;
      totalUs += trace.duration[node];
      selfUs += trace.self[node];
      if (trace.duration[node] > trace.duration[longest]) longest = node;
    }
    const durations = Float64Array.from(nodes, (node) => trace.duration[node]).sort();
    const quantile = (q: number): number =>
      durations[Math.min(durations.length - 1, Math.ceil(q * durations.length) - 1)];
    return {
      service: trace.service[nodes[0]],
      name: trace.name[nodes[0]],
      resource: trace.resource[nodes[0]],
      spans: nodes.length,
      errors,
      totalUs,
      selfUs,
      medianUs: quantile(0.5),
      p95Us: quantile(0.95),
      maxUs: trace.duration[longest],
      longest,
    };
  }).sort((a, b) => b.selfUs - a.selfUs || a.longest - b.longest);
}
