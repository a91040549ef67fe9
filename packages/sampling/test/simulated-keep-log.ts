import type { GapRow, KeepRow, NodeDeath, ParkedSpans } from '../src/keep-log.ts';

/** What PostgreSQL says of running transactions: `pg_current_snapshot()`. */
interface Snapshot {
  readonly xmax: number;
  readonly running: ReadonlySet<number>;
}

interface LoggedRow {
  readonly row: KeepRow;
  readonly xid: number;
}

/** A parked blob and how it fares. */
interface Parked extends ParkedSpans {
  readonly id: number;
  lentUntilMs: number;
}

/** The keep log as PostgreSQL would hold it: rows of a transaction appear when it commits, in any order of their ids. */
export class SimulatedKeepLog {
  #nextXid = 1;
  readonly #running = new Set<number>();
  readonly #rows: LoggedRow[] = [];
  readonly #keys = new Set<string>();
  readonly gaps = new Map<string, GapRow>();
  readonly deaths: NodeDeath[] = [];
  readonly parked = new Map<number, Parked>();
  readonly parkGaps = new Set<string>();
  readonly beats = new Map<string, number>();
  #nextParked = 1;

  begin(): number {
    const xid = this.#nextXid++;
    this.#running.add(xid);
    return xid;
  }

  commit(xid: number, rows: readonly KeepRow[]): void {
    this.#running.delete(xid);
    for (const row of rows) {
      const key = `${row.traceId}${row.reason}`;
      if (this.#keys.has(key)) continue;
      this.#keys.add(key);
      this.#rows.push({ row, xid });
    }
  }

  abort(xid: number): void {
    this.#running.delete(xid);
  }

  /** Rows committed since the snapshot `since`: its later transactions, and those that were running then. */
  poll(since: Snapshot | undefined): { rows: KeepRow[]; snapshot: Snapshot } {
    const snapshot: Snapshot = { xmax: this.#nextXid, running: new Set(this.#running) };
    const rows = this.#rows
      .filter(({ xid }) => since === undefined || xid >= since.xmax || since.running.has(xid))
      .map(({ row }) => row);
    return { rows, snapshot };
  }

  keptTraces(): Set<string> {
    return new Set(this.#rows.filter(({ row }) => row.reason !== 'park').map(({ row }) => row.traceId));
  }

  gap(rows: readonly GapRow[]): void {
    for (const row of rows) this.gaps.set(`${row.traceId}${row.nodeId}${row.reason}`, row);
  }

  park(rows: readonly ParkedSpans[]): void {
    for (const row of rows) {
      const id = this.#nextParked++;
      this.parked.set(id, { ...row, id, lentUntilMs: 0 });
      this.parkGaps.add(`${row.traceId} ${row.nodeId}`);
    }
  }

  claim(nowMs: number): Parked[] {
    const kept = this.keptTraces();
    const claimed = [...this.parked.values()].filter((one) => kept.has(one.traceId) && one.lentUntilMs <= nowMs);
    for (const one of claimed) one.lentUntilMs = nowMs + 30_000;
    return claimed;
  }

  settle(ids: readonly number[]): void {
    for (const id of ids) {
      const one = this.parked.get(id);
      if (one === undefined) continue;
      this.parked.delete(id);
      const key = `${one.traceId} ${one.nodeId}`;
      if (![...this.parked.values()].some((other) => `${other.traceId} ${other.nodeId}` === key))
        this.parkGaps.delete(key);
    }
  }

  hasGap(traceId: string): boolean {
    return (
      [...this.gaps.values()].some((gap) => gap.traceId === traceId) ||
      [...this.parkGaps].some((key) => key.startsWith(traceId))
    );
  }
}

export type { Snapshot };
