import type { Parents } from './parents.ts';
import { Kind, type SpanTable } from './span-table.ts';

/** Corrections of clocks that are provably off, in microseconds to add, by process. */
export type SkewByProcess = Map<number, number>;

/** Spans without a process id are taken to share one clock a service; those keys are negative. */
export function processKey(process: number, service: number): number {
  return process >= 0 ? process : -2 - service;
}

interface Bound {
  low: number;
  high: number;
}

/**
 * Finds clocks that disagree. A server span must lie inside the client span that called it, so each call bounds the
 * difference of the two clocks:
 *
 * ```text
 * client   |-------------------|
 * server        |--------|             low  = client.start - server.start
 *          <--->          <---->       high = client.end   - server.end
 * ```
 *
 * All calls between two processes bound one difference; where 0 is not within the bounds (by more than a clock's
 * millisecond), the middle is taken.
 * Processes are reached from that of the first root, whose clock is taken as right.
 * Jobs and messages bound nothing: they may start at any later time.
 */
export function findSkew(table: SpanTable, parents: Parents): SkewByProcess {
  const pairs = new Map<number, Map<number, Bound>>();
  for (let row = 0; row < table.count; row++) {
    const parent = parents.parent[row];
    if (parent < 0 || parent >= table.count || table.kind[row] !== Kind.server) continue;
    const from = processKey(table.process[parent], table.service[parent]);
    const to = processKey(table.process[row], table.service[row]);
    if (from === to) continue;
    const low = table.start[parent] - table.start[row];
    const high = low + table.duration[parent] - table.duration[row];
    // A server that outlives its call (a timeout) bounds one side only.
    const bound = { low, high: high < low ? Infinity : high };
    narrow(pairs, from, to, bound);
    narrow(pairs, to, from, { low: -bound.high, high: -bound.low });
  }
  const deltas: SkewByProcess = new Map();
  if (pairs.size === 0) return deltas;
  const reached = new Map<number, number>();
  const rootRow = parents.parent.indexOf(-1);
  const reference =
    rootRow >= 0 && rootRow < table.count ? processKey(table.process[rootRow], table.service[rootRow]) : undefined;
  for (const start of reference === undefined ? pairs.keys() : [reference, ...pairs.keys()]) {
    if (reached.has(start)) continue;
    reached.set(start, 0);
    const queue = [start];
    for (const from of queue) {
      for (const [to, bound] of pairs.get(from) ?? []) {
        if (reached.has(to)) continue;
        reached.set(to, reached.get(from)! + middle(bound));
        queue.push(to);
      }
    }
  }
  for (const [process, delta] of reached) if (delta !== 0) deltas.set(process, delta);
  return deltas;
}

function narrow(pairs: Map<number, Map<number, Bound>>, from: number, to: number, bound: Bound): void {
  let targets = pairs.get(from);
  if (targets === undefined) pairs.set(from, (targets = new Map()));
  const known = targets.get(to);
  if (known === undefined) {
    targets.set(to, { ...bound });
    return;
  }
  const low = Math.max(known.low, bound.low);
  const high = Math.min(known.high, bound.high);
  // Calls that contradict each other (the clock was set between them): the first word stands.
  if (low <= high) targets.set(to, { low, high });
}

/** Wall anchors are read once a local root and to the millisecond, so a child may stick out by that much. */
const CLOCK_US = 1000;

function middle({ low, high }: Bound): number {
  if (low <= CLOCK_US && high >= -CLOCK_US) return 0;
  if (!Number.isFinite(high)) return low;
  if (!Number.isFinite(low)) return high;
  return Math.round((low + high) / 2);
}
