import type { TraceGap } from './span-table.ts';

/**
 * A trace in the order of its tree: node 0 is the first root, a node's descendants are the `size[node] - 1` nodes
 * after it, and siblings follow each other by start. So a subtree is a range, and a parent stands before its children.
 *
 * ```text
 * node    0 http.request       size 4  parent -1  depth 0
 *         1   auth.verify      size 1  parent  0  depth 1
 *         2   grpc.call        size 2  parent  0  depth 1
 *         3     db.query       size 1  parent  2  depth 2
 * ```
 *
 * Plain data: it crosses from the worker by transfer.
 */
export interface Trace {
  readonly traceId: string;
  /** Times below count from here, in microseconds. */
  readonly startUnixUs: number;
  /** From the first start to the last end of all spans. */
  readonly startUs: number;
  readonly endUs: number;
  readonly kept: string;
  readonly gaps: readonly TraceGap[];
  /** Number of nodes: spans, and stand-ins for missing parents. */
  readonly count: number;
  readonly spans: number;
  readonly errors: number;
  readonly missingParents: number;
  readonly cycles: number;
  readonly maxDepth: number;
  /** Span ids, two words a node. */
  readonly ids: Uint32Array;
  /** Row in the table that it was made from; -1 for a stand-in. */
  readonly row: Int32Array;
  readonly parent: Int32Array;
  readonly size: Int32Array;
  /** Number of direct children. */
  readonly children: Int32Array;
  readonly depth: Int32Array;
  readonly start: Float64Array;
  readonly duration: Float64Array;
  /** Time in which no child ran. */
  readonly self: Float64Array;
  /** Earliest start and latest end of the whole subtree. */
  readonly subtreeStart: Float64Array;
  readonly subtreeEnd: Float64Array;
  readonly strings: readonly string[];
  /** Positions in `strings`; -1 for a stand-in. */
  readonly name: Int32Array;
  readonly resource: Int32Array;
  readonly service: Int32Array;
  /** Position of the process's id in `strings`, or -1. */
  readonly process: Int32Array;
  readonly kind: Uint8Array;
  readonly status: Uint8Array;
  /** Bits of `Flag`. */
  readonly flags: Uint16Array;
  /** Failed spans below, the node itself left out. */
  readonly errorsBelow: Int32Array;
  /** Events of node n: logTime and logLabel from logBegin[n] to logBegin[n + 1]. */
  readonly logBegin: Int32Array;
  readonly logTime: Float64Array;
  readonly logLabel: Int32Array;
  /** By number of spans, the most first. */
  readonly services: readonly ServiceShare[];
  readonly skew: ClockSkew;
}

/** What one service has in a trace. */
export interface ServiceShare {
  /** Position in `strings`. */
  readonly service: number;
  readonly name: string;
  readonly spans: number;
  readonly errors: number;
  /** Sum of self times, microseconds. */
  readonly selfUs: number;
}

/** What is known of clocks that disagree. */
export interface ClockSkew {
  /** Whether the times of this trace are corrected by it. */
  readonly applied: boolean;
  /** Correction of each process that needs one, microseconds to add. */
  readonly processes: readonly { readonly process: number; readonly label: string; readonly deltaUs: number }[];
  /** The same a node; empty where no clock is off. */
  readonly deltaUs: Float64Array;
}

/** The end of a node, microseconds. */
export function endOf(trace: Trace, node: number): number {
  return trace.start[node] + trace.duration[node];
}
