/**
 * What the nodes of a mesh tell each other about traces, in one place that all of them reach: PostgreSQL.
 *
 *     node A  --append-->  keeps (grow only)  <--poll--  nodes B, C, ...   flush what they hold of it
 *                          gaps               what a kept trace is known to lack
 *                          parked             spans of undecided traces whose job runs later
 *                          nodes              who lives
 *
 * Rows are idempotent and their order means nothing; every method may be called again after it failed.
 * No method is ever waited for by the application. All reject with a ForgeError when the store is away.
 */
export interface KeepLog {
  /** Adds rows; a row that is there already (trace and reason) stays as it was. Durable once resolved. */
  append(rows: readonly KeepRow[]): Promise<void>;
  /**
   * All rows that were committed since `cursor`'s poll, however long their transactions took; some may come again.
   * Without a cursor: those of the last minutes.
   */
  poll(cursor: string | undefined): Promise<KeepPage>;
  /** Says that this node lives and how it fares, and returns what all nodes said last, the dead ones included. */
  heartbeat(beat: NodeBeat): Promise<NodeView[]>;
  /** Takes a node off the list: it left in good order, all of its spans are delivered. */
  leave(nodeId: string): Promise<void>;
  /** Writes down what is missing. A gap that is there already stays as it was. */
  gap(rows: readonly GapRow[]): Promise<void>;
  /**
   * Writes down, once for all survivors, that a node died: whatever it held or had not delivered is missing from the
   * traces of that time. Then takes the node off the list.
   */
  bury(death: NodeDeath): Promise<void>;
  /** Puts spans aside that may be wanted later, together with a gap that stands until they are promoted. */
  park(rows: readonly ParkedSpans[]): Promise<void>;
  /** Lends parked spans of traces that are kept by now, each to one node for half a minute. */
  claimParked(limit: number): Promise<ClaimedSpans[]>;
  /** Ends a claim whose spans are stored: removes them and their gap. */
  settleParked(ids: readonly string[]): Promise<void>;
  /** Removes parked spans of traces that nobody kept in time, with their gaps. */
  expireParked(olderThanMs: number): Promise<void>;
  close(): Promise<void>;
}

/** Why a trace is kept (`peer`: a node was told so by one that did not write it down); `park`: not kept, but its spans are to be put aside, for a job that it dispatched. */
export type KeepRowReason = 'error' | 'slow' | 'forced' | 'job' | 'peer' | 'park';

export interface KeepRow {
  /** 32 hex digits. */
  readonly traceId: string;
  readonly reason: KeepRowReason;
  /** The node that says so, a UUID. */
  readonly nodeId: string;
  /** How many triggered traces it stands for: 1, or more where a storm was cut. */
  readonly weight: number;
}

export interface KeepPage {
  readonly rows: readonly Pick<KeepRow, 'traceId' | 'reason'>[];
  /** For the next poll. Opaque. */
  readonly cursor: string;
}

export interface NodeBeat {
  readonly nodeId: string;
  readonly serviceName: string;
  /** Traces with a trigger a second, admitted or not, of late. */
  readonly triggersPerSecond: number;
}

export interface NodeView extends NodeBeat {
  /** Since its last heartbeat, by the store's own clock. */
  readonly silentMs: number;
}

export interface GapRow {
  readonly traceId: string;
  readonly nodeId: string;
  /** `late`: the keep came when the ring had forgotten; `lost`: the ring was full; `late_trigger`; `parked`. */
  readonly reason: 'late' | 'lost' | 'late_trigger';
}

export interface NodeDeath {
  readonly nodeId: string;
  /** How long it has been silent, by the store's clock. */
  readonly silentMs: number;
  /** How long before its last word a trace may have been kept whose spans it did not deliver. */
  readonly heldMs: number;
}

/** Spans of one trace that one node held, as `encodeHeld` wrote them. */
export interface ParkedSpans {
  readonly traceId: string;
  readonly nodeId: string;
  readonly spans: Uint8Array;
}

export interface ClaimedSpans extends ParkedSpans {
  readonly id: string;
}
