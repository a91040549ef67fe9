import { Flag, Kind } from './span-table.ts';
import { endOf, type Trace } from './trace.ts';

/** The chain of work that the duration of one span waited for: at each moment of it, exactly one span. */
export interface CriticalPath {
  /** The span whose duration is explained; -1 for an empty trace. */
  readonly root: number;
  /** By time, without gaps or overlaps: together they are the root's duration. Empty ones are left out. */
  readonly segmentNode: Int32Array;
  readonly segmentStart: Float64Array;
  readonly segmentEnd: Float64Array;
  /** 1 for each node that the path enters, spans of zero duration included. */
  readonly onPath: Uint8Array;
  /** Microseconds of the path in the node itself, its children left out. */
  readonly ownUs: Float64Array;
}

/** A span being walked: its window, how far back the walk has come, and its children yet to see in `candidates`. */
interface Frame {
  readonly node: number;
  readonly from: number;
  readonly to: number;
  at: number;
  next: number;
  readonly limit: number;
}

/** How far a child on another clock may outlive its parent and still count as waited for. */
const CLOCK_US = 1000;

/**
 * Walks back from the root's end: the span waited for whichever child ended last, before that for the one that ended
 * last before that one began, and so on, each entered in the same way. The rest is the span's own time.
 *
 * ```text
 * parent  |==--------------======----==|    = the parent's own part, - that of the child below
 * A          |--------|                     not on it: it ended after B began, so B did not wait for it
 * B         |--------------|
 * C                              |----|
 * ```
 *
 * A child that outlives its parent was not waited for (a job, a message, fire and forget), unless the clocks explain
 * it: a server span is cut to the call that it serves. What lies outside its parent's time is left out.
 * Iterative, O(n log n).
 */
export function criticalPath(trace: Trace, root: number = mainRoot(trace)): CriticalPath {
  const onPath = new Uint8Array(trace.count);
  const ownUs = new Float64Array(trace.count);
  const nodes: number[] = [];
  const starts: number[] = [];
  const ends: number[] = [];
  const emit = (node: number, from: number, to: number): void => {
    if (to <= from) return;
    ownUs[node] += to - from;
    nodes.push(node);
    starts.push(from);
    ends.push(to);
  };
  const candidates: number[] = []; // of all frames, as one stack
  const frames: Frame[] = [];
  const enter = (node: number, from: number, to: number): void => {
    onPath[node] = 1;
    const next = candidates.length;
    pushCandidates(trace, node, from, to, candidates);
    frames.push({ node, from, to, at: to, next, limit: candidates.length });
  };
  if (root >= 0) enter(root, trace.start[root], endOf(trace, root));
  for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
    if (frame.next === frame.limit) {
      emit(frame.node, frame.from, frame.at);
      frames.pop();
      candidates.length = frames.at(-1)?.limit ?? 0;
      continue;
    }
    const child = candidates[frame.next++];
    const end = Math.min(endOf(trace, child), frame.to);
    if (end > frame.at) continue;
    emit(frame.node, end, frame.at);
    frame.at = Math.max(trace.start[child], frame.from);
    enter(child, frame.at, end);
  }
  return {
    root,
    segmentNode: Int32Array.from(nodes.reverse()),
    segmentStart: Float64Array.from(starts.reverse()),
    segmentEnd: Float64Array.from(ends.reverse()),
    onPath,
    ownUs,
  };
}

/** The earliest true root; where only stand-ins are left, the one with the most spans. -1 for an empty trace. */
export function mainRoot(trace: Trace): number {
  let widest = -1;
  for (let node = 0; node < trace.count; node += trace.size[node]) {
    if ((trace.flags[node] & Flag.missing) === 0) return node;
    if (widest < 0 || trace.size[node] > trace.size[widest]) widest = node;
  }
  return widest;
}

/** Appends the children that `node` may have waited for between `from` and `to`: last end first, then the longest. */
function pushCandidates(trace: Trace, node: number, from: number, to: number, candidates: number[]): void {
  const { size, start, duration } = trace;
  const first = candidates.length;
  for (let child = node + 1; child < node + size[node]; child += size[child]) {
    const begin = start[child];
    const end = begin + duration[child];
    const empty = begin === end;
    if (empty ? begin < from || begin > to : begin >= to || end <= from) continue;
    if (end > endOf(trace, node) + allowance(trace, node, child)) continue;
    candidates.push(child);
  }
  if (candidates.length - first < 2) return;
  const sorted = candidates.splice(first).sort((a, b) => {
    const byEnd = Math.min(endOf(trace, b), to) - Math.min(endOf(trace, a), to);
    if (byEnd !== 0) return byEnd;
    // An empty span takes no time from the one that ended with it, so it goes first.
    if ((duration[a] === 0) !== (duration[b] === 0)) return duration[a] === 0 ? -1 : 1;
    return start[a] - start[b] || a - b;
  });
  for (const child of sorted) candidates.push(child);
}

/** How far `child` may outlive `node`: not at all on one clock, a clock's step on two, and a called server as it likes. */
function allowance(trace: Trace, node: number, child: number): number {
  if (trace.kind[child] === Kind.server) return Infinity;
  const local =
    trace.kind[child] !== Kind.consumer &&
    trace.process[node] === trace.process[child] &&
    trace.service[node] === trace.service[child];
  return local ? 0 : CLOCK_US;
}
