import { STATUS_ERROR } from './span-table.ts';
import type { Trace } from './trace.ts';

/** Siblings that do the same (service, name and resource) drawn together: a loop of queries is one row. */
export interface Grouping {
  /** Number of groups. */
  readonly count: number;
  /** All nodes in the order of the tree, but each group's members (with all below them) next to each other. */
  readonly order: Int32Array;
  /** Where each node stands in `order`. */
  readonly position: Int32Array;
  /** The group whose first member stands at this position, or -1. */
  readonly groupAt: Int32Array;
  /** The group of each node, or -1. */
  readonly groupOf: Int32Array;
  /** Position after the last member's subtree, by group. */
  readonly groupEnd: Int32Array;
  /** First member, by group; the others have the same service, name and resource. */
  readonly first: Int32Array;
  readonly members: Int32Array;
  readonly errors: Int32Array;
  /** Sum of the members' durations, microseconds. */
  readonly totalUs: Float64Array;
}

/** So many repeats make a group. */
export const MIN_REPEATS = 3;

/** Finds the repeats under every parent. Linear, iterative. */
export function groupRepeats(trace: Trace): Grouping {
  const { count, size } = trace;
  const groupOf = new Int32Array(count).fill(-1);
  const first: number[] = [];
  const members: number[] = [];
  const errors: number[] = [];
  const totalUs: number[] = [];
  const lastMember: number[] = [];
  // Per node: the next member of its group, so that the walk below can put them together.
  const nextMember = new Int32Array(count).fill(-1);
  for (let node = 0; node < count; node++) {
    if (trace.children[node] < MIN_REPEATS) continue;
    const groups = new Map<string, number>(); // -1 - firstNode while single, else the candidate's number
    for (let child = node + 1; child < node + size[node]; child += size[child]) {
      if (trace.row[child] < 0) continue;
      const key = `${trace.service[child]},${trace.name[child]},${trace.resource[child]}`;
      let group = groups.get(key);
      if (group === undefined) {
        groups.set(key, (group = first.length));
        first.push(child);
        members.push(0);
        errors.push(0);
        totalUs.push(0);
        lastMember.push(-1);
      } else nextMember[lastMember[group]] = child;
      lastMember[group] = child;
      members[group]++;
      totalUs[group] += trace.duration[child];
      if (trace.status[child] === STATUS_ERROR) errors[group]++;
    }
  }
  const kept: number[] = [];
  for (let group = 0; group < first.length; group++) {
    if (members[group] < MIN_REPEATS) {
      for (let at = first[group]; at >= 0;) {
        const next = nextMember[at];
        nextMember[at] = -1;
        at = next;
      }
      continue;
    }
    for (let at = first[group]; at >= 0; at = nextMember[at]!) groupOf[at] = kept.length;
    kept.push(group);
  }
  const pick = (list: number[]): number[] => kept.map((group) => list[group]);
  const result = {
    count: kept.length,
    groupOf,
    first: Int32Array.from(pick(first)),
    members: Int32Array.from(pick(members)),
    errors: Int32Array.from(pick(errors)),
    totalUs: Float64Array.from(pick(totalUs)),
  };
  return { ...result, ...groupedOrder(trace, groupOf, result.first, nextMember) };
}

function groupedOrder(
  trace: Trace,
  groupOf: Int32Array,
  first: Int32Array,
  nextMember: Int32Array,
): Pick<Grouping, 'order' | 'position' | 'groupAt' | 'groupEnd'> {
  const { count, size } = trace;
  const order = new Int32Array(count);
  const position = new Int32Array(count);
  const groupAt = new Int32Array(count).fill(-1);
  const groupEnd = new Int32Array(first.length);
  // Positions are given top down: a parent places its children one after another, by their sizes.
  const place = (child: number, at: number): number => {
    position[child] = at;
    return at + size[child];
  };
  let rootAt = 0;
  for (let root = 0; root < count; root += size[root]) rootAt = place(root, rootAt);
  for (let node = 0; node < count; node++) {
    let at = position[node] + 1;
    for (let child = node + 1; child < node + size[node]; child += size[child]) {
      const group = groupOf[child];
      if (group < 0) {
        at = place(child, at);
        continue;
      }
      if (first[group] !== child) continue;
      groupAt[at] = group;
      for (let member = child; member >= 0; member = nextMember[member]!) at = place(member, at);
      groupEnd[group] = at;
    }
  }
  for (let node = 0; node < count; node++) order[position[node]] = node;
  return { order, position, groupAt, groupEnd };
}
