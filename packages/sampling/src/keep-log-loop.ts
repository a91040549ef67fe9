import { withoutTracing, type Clock, type Diagnostics } from '@forge/core';
import { decodeHeld } from './held-span.ts';
import type { KeepLog } from './keep-log.ts';
import type { SamplingNode } from './sampling-node.ts';
import type { SpanSink } from './span-sink.ts';

export interface KeepLogLoopOptions {
  readonly keepLog: KeepLog;
  readonly node: SamplingNode;
  readonly sink: SpanSink;
  readonly nodeId: string;
  readonly serviceName: string;
  /** How long before its last heartbeat a dead node may have got spans that it did not deliver. */
  readonly heldMs: number;
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
}

const WRITE_MS = 100;
const POLL_MS = 500;
const BEAT_MS = 1000;
const MAX_PAUSE_MS = 3000;
const DEAD_MS = 10_000;
const SWEEP_MS = 2000;
const EXPIRE_MS = 60_000;
const PARKED_LIFE_MS = 60 * 60_000;
const CLAIM_LIMIT = 100;
/** How far back spans may reach that a process could not deliver before its end. */
const LEFT_BEHIND_MS = 5 * 60_000;

/** Carries rows between a node and the keep log, each kind at its own pace; one that hangs does not stop the others. */
export class KeepLogLoop {
  readonly #options: KeepLogLoopOptions;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #busy = new Set<string>();
  readonly #failing = new Set<string>();
  #cursor: string | undefined = undefined;
  #stopped = false;
  /** Since when this node's own heartbeats came without a pause, and when the last one did. */
  #beatingSinceMs = 0;
  #lastBeatMs = -Infinity;
  #polls = 0;
  #failures = 0;
  #buried = 0;
  #promotedSpans = 0;

  constructor(options: KeepLogLoopOptions) {
    this.#options = options;
  }

  start(): void {
    // A node that dies before its first word is one that nobody can miss.
    void this.#guarded('heartbeat', () => this.#beat());
    this.#every(WRITE_MS, 'write', () => this.write());
    this.#every(POLL_MS, 'poll', () => this.#poll());
    this.#every(BEAT_MS, 'heartbeat', () => this.#beat());
    this.#every(SWEEP_MS, 'promote', () => this.#promote());
    this.#every(EXPIRE_MS, 'expire', () => this.#options.keepLog.expireParked(PARKED_LIFE_MS));
  }

  /** Whether the last try of anything failed. */
  get failing(): string[] {
    return [...this.#failing];
  }

  counts(): Record<string, number> {
    return {
      forge_keep_log_polls_total: this.#polls,
      forge_keep_log_failures_total: this.#failures,
      forge_keep_log_buried_nodes_total: this.#buried,
      forge_keep_log_promoted_spans_total: this.#promotedSpans,
    };
  }

  /** Writes all that is pending. Rejects where that fails; the rows are pending again then. */
  async write(): Promise<void> {
    const { keepLog, node } = this.#options;
    for (let keeps = node.takeKeeps(); keeps.length > 0; keeps = node.takeKeeps()) {
      try {
        await keepLog.append(keeps);
      } catch (error) {
        node.putBackKeeps(keeps);
        throw error;
      }
    }
    for (let gaps = node.takeGaps(); gaps.length > 0; gaps = node.takeGaps()) {
      try {
        await keepLog.gap(gaps);
      } catch (error) {
        node.putBackGaps(gaps);
        throw error;
      }
    }
    for (let parked = node.takeParked(); parked.length > 0; parked = node.takeParked()) {
      try {
        await keepLog.park(parked);
      } catch (error) {
        node.putBackParked(parked);
        throw error;
      }
    }
  }

  /** Stops all timers, hands over what is parked and pending, and takes the node off the list. Never rejects. */
  async stop(delivered: Promise<unknown>): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    for (const timer of this.#timers) clearInterval(timer);
    const { keepLog, node, nodeId } = this.#options;
    node.parkAll();
    await this.#guarded('write', () => this.write());
    // A node that leaves with spans that nobody will deliver is one that died, as far as its traces go.
    const complete = (await delivered) !== false;
    await this.#guarded('leave', () =>
      complete ? keepLog.leave(nodeId) : keepLog.bury({ nodeId, silentMs: 0, heldMs: LEFT_BEHIND_MS }),
    );
    await this.#guarded('close', () => keepLog.close());
  }

  async #poll(): Promise<void> {
    const { keepLog, node, clock } = this.#options;
    const startedMs = clock.nowMs();
    const { rows, cursor } = await keepLog.poll(this.#cursor);
    this.#cursor = cursor;
    node.heed(rows);
    node.polled(startedMs);
    this.#polls++;
  }

  async #beat(): Promise<void> {
    const { keepLog, node, nodeId, serviceName, heldMs, clock } = this.#options;
    const views = await keepLog.heartbeat({ nodeId, serviceName, triggersPerSecond: node.triggersPerSecond });
    const nowMs = clock.nowMs();
    if (nowMs - this.#lastBeatMs > MAX_PAUSE_MS) this.#beatingSinceMs = nowMs;
    this.#lastBeatMs = nowMs;
    // When the keep log was away for all, all were silent: who lives has as long as ever to say so.
    const canTell = nowMs - this.#beatingSinceMs >= DEAD_MS;
    let others = 0;
    for (const view of views) {
      if (view.nodeId === nodeId) continue;
      if (view.silentMs < DEAD_MS) others += view.triggersPerSecond;
      else if (canTell) {
        // Every survivor may do so; the first one's word stands.
        await keepLog.bury({ nodeId: view.nodeId, silentMs: view.silentMs, heldMs });
        this.#buried++;
      }
    }
    node.heardOthers(others);
  }

  /** Brings parked spans of traces that are kept by now to the store; the claim ends only once they are there. */
  async #promote(): Promise<void> {
    const { keepLog, sink } = this.#options;
    const claimed = await keepLog.claimParked(CLAIM_LIMIT);
    if (claimed.length === 0) return;
    for (const { spans } of claimed)
      for (const span of decodeHeld(spans)) {
        sink.push(span);
        this.#promotedSpans++;
      }
    // What is not delivered stays lent, and comes again when that is over.
    if ((await sink.flush()) === false) return;
    await keepLog.settleParked(claimed.map(({ id }) => id));
  }

  #every(periodMs: number, what: string, run: () => Promise<void>): void {
    const timer = setInterval(() => {
      if (!this.#busy.has(what)) void this.#guarded(what, run);
    }, periodMs);
    timer.unref();
    this.#timers.push(timer);
  }

  async #guarded(what: string, run: () => Promise<void>): Promise<void> {
    const { diagnostics } = this.#options;
    this.#busy.add(what);
    try {
      await withoutTracing(run);
      if (this.#failing.delete(what)) diagnostics.forget(`keep-log-${what}`);
    } catch (error) {
      this.#failures++;
      this.#failing.add(what);
      diagnostics.warnOnce(
        `keep-log-${what}`,
        `the keep log cannot be reached (${what}: ${error instanceof Error ? error.message : String(error)}); ` +
          'traces stay whole as long as the ring has room, and the application does not wait',
      );
    } finally {
      this.#busy.delete(what);
    }
  }
}
