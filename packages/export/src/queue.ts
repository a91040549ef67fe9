import type { SpanData } from '@forge/core';
import { withoutTracing } from '@forge/core';
import { AsyncResource } from 'node:async_hooks';
import { BackendHealth } from './backend-health.ts';
import { BatchBuffer } from './batch-buffer.ts';
import { Batch, type BatchHistory } from './batch.ts';
import { isPermanent, queueError, reasonOf } from './errors.ts';
import { ExportCounts, type DropReason } from './export-counts.ts';
import type { ExportResult, Exporter } from './exporter.ts';
import { settingsOf, type ExportQueueOptions, type QueueSettings } from './options.ts';
import type { Spool } from './spool.ts';

/** Takes finished spans, on the application's path. */
export interface SpanSink {
  /** Constant time; never throws, blocks or waits. */
  push(span: SpanData): void;
  /**
   * Sends what was pushed so far now.
   * @param withinMs milliseconds, 5,000 by default
   * @returns true once all of it is delivered or in the spool; false when the time was over first
   */
  flush(withinMs?: number): Promise<boolean>;
  /**
   * Takes no more spans, delivers what it can, hands the rest to the spool, frees the exporter. Safe to call twice.
   * @param withinMs milliseconds, 5,000 by default; what is left then is dropped and counted
   */
  shutdown(withinMs?: number): Promise<void>;
}

/** One exporter behind its own bounded queue: a slow backend slows nothing else. */
export interface ExportQueue extends SpanSink {
  /** The exporter's name. */
  readonly name: string;
  state(): ExportQueueState;
}

/** For people: what `forge doctor` says of a queue. */
export interface ExportQueueState {
  readonly exporter: string;
  /** Whether the last deliveries failed. */
  readonly away: boolean;
  /** What the last failure was; undefined once a delivery has succeeded. */
  readonly lastFailure: string | undefined;
  readonly queuedSpans: number;
  readonly sentSpans: number;
  readonly droppedSpans: number;
  readonly spooledBatches: number;
}

const DEFAULT_DEADLINE_MS = 5000;
const MOST_STRIKES = 5;
const MOST_HISTORIES = 64;
const SPOOL_PAUSE_MS = 5000;

/**
 * Puts a queue in front of `exporter`; it starts by itself with the first span.
 *
 *     push -> open batch -(full or delay)-> ready -> in flight -> delivered
 *                                             |  ^      | failed: backoff, one probe at a time
 *                          away, slow, ending v  +------+
 *                                           spool -> replayed when it is back
 *
 * Throws FORGE_EXPORT_OPTION_INVALID.
 */
export function createExportQueue(exporter: Exporter, options: ExportQueueOptions): ExportQueue {
  return new Queue(exporter, settingsOf(options));
}

class Queue implements ExportQueue {
  readonly name: string;
  readonly #exporter: Exporter;
  readonly #settings: QueueSettings;
  readonly #counts = new ExportCounts();
  readonly #health: BackendHealth;
  readonly #buffer: BatchBuffer;
  /** Deliveries run outside the request that happened to push the last span. */
  readonly #outside = new AsyncResource('forge.export');
  readonly #inFlight = new Map<Batch, { readonly abort: AbortController; readonly over: Promise<void> }>();
  #exporting = 0;
  #exportingDone: (() => void) | undefined = undefined;
  #replay: Batch | undefined = undefined;
  #replayTurn = false;
  #fetchingReplay = false;
  #spoolRun: Promise<void> | undefined = undefined;
  #spoolPausedUntilMs = 0;
  #pumpAsked = false;
  #closed = false;
  #stopped = false;
  #closing: Promise<void> | undefined = undefined;
  #lastFailure: string | undefined = undefined;
  /** What is known of batches that were put back into the spool. */
  readonly #histories = new Map<string, BatchHistory>();

  constructor(exporter: Exporter, settings: QueueSettings) {
    this.name = exporter.name;
    this.#exporter = exporter;
    this.#settings = settings;
    this.#health = new BackendHealth(exporter.name, settings, this.#counts, () => this.#pump());
    this.#buffer = new BatchBuffer(settings, this.#counts, () => this.#askPump());
    settings.diagnostics.register(() => this.#counts.read(exporter.name, settings.spool));
    // What an earlier process left behind.
    if (settings.spool !== undefined) this.#askPump();
  }

  push(span: SpanData): void {
    if (this.#closed) {
      this.#counts.dropped.shutdown++;
      return;
    }
    try {
      if (this.#buffer.add(span)) return;
      this.#drop('queue_full', 1, `its queue is full (${this.#counts.queuedSpans} spans)`);
    } catch {
      this.#counts.dropped.invalid++;
    }
  }

  async flush(withinMs = DEFAULT_DEADLINE_MS): Promise<boolean> {
    const settled = this.#buffer.settled(withinMs);
    // Somebody waits: this is no time for the backoff.
    this.#health.releaseHold();
    this.#pump();
    return settled;
  }

  shutdown(withinMs = DEFAULT_DEADLINE_MS): Promise<void> {
    return (this.#closing ??= this.#shutdown(withinMs));
  }

  state(): ExportQueueState {
    const { away, queuedSpans, sentSpans, dropped } = this.#counts;
    const { spool } = this.#settings;
    const droppedSpans = Object.values(dropped).reduce((sum, spans) => sum + spans, spool?.lostSpans ?? 0);
    const spooledBatches = spool?.waitingBatches ?? 0;
    return {
      exporter: this.name,
      away,
      lastFailure: this.#lastFailure,
      queuedSpans,
      sentSpans,
      droppedSpans,
      spooledBatches,
    };
  }

  // --- sending ---

  #askPump(): void {
    if (this.#pumpAsked) return;
    this.#pumpAsked = true;
    this.#settings.timers.after(0, () => {
      this.#pumpAsked = false;
      this.#pump();
    });
  }

  #pump(): void {
    this.#outside.runInAsyncScope(this.#pumpOutside, this);
  }

  #pumpOutside(): void {
    const { maxInFlight } = this.#settings;
    while (!this.#stopped && !this.#health.holding) {
      // While it fails, one batch finds out for all.
      if (this.#inFlight.size >= (this.#health.failing ? 1 : maxInFlight)) break;
      const batch = this.#next();
      if (batch === undefined) break;
      const abort = new AbortController();
      this.#inFlight.set(batch, { abort, over: this.#deliver(batch, abort) });
    }
    void this.#spoolWaiting();
  }

  /** Fresh and replayed batches in turn. */
  #next(): Batch | undefined {
    const replay = this.#replay;
    if (replay === undefined) void this.#fetchReplay();
    if (replay !== undefined && !this.#inFlight.has(replay) && (this.#replayTurn || !this.#buffer.hasReady)) {
      this.#replayTurn = false;
      return replay;
    }
    this.#replayTurn = true;
    return this.#buffer.take();
  }

  async #deliver(batch: Batch, abort: AbortController): Promise<void> {
    try {
      await this.#delivered(batch, await this.#export(batch, abort));
    } catch (error) {
      await this.#failed(batch, error);
    }
    this.#inFlight.delete(batch);
    this.#askPump();
  }

  /** The exporter's promise, or a rejection once the time is over or the queue stops: it need not heed its signal. */
  #export(batch: Batch, abort: AbortController): Promise<ExportResult> {
    const { timers, timeoutMs } = this.#settings;
    return new Promise((resolve, reject) => {
      const cancel = timers.after(timeoutMs, () => abort.abort());
      abort.signal.addEventListener('abort', () => {
        cancel();
        reject(
          queueError('FORGE_EXPORT_TIMEOUT', this.#stopped ? 'the process ends' : `no answer within ${timeoutMs} ms`),
        );
      });
      this.#exporting++;
      withoutTracing(async () => this.#exporter.export(batch.spans, abort.signal))
        .then(resolve, reject)
        .finally(() => {
          cancel();
          if (--this.#exporting === 0) this.#exportingDone?.();
        });
    });
  }

  async #delivered(batch: Batch, result: ExportResult): Promise<void> {
    const counts = this.#counts;
    const rejected = Math.min(Math.max(0, result.rejected), batch.spans.length);
    counts.sentBatches++;
    counts.sentSpans += batch.spans.length - rejected;
    if (rejected > 0)
      this.#drop('refused', rejected, `it refused some of them: ${result.message ?? 'no reason given'}`);
    this.#lastFailure = undefined;
    this.#health.answered();
    await this.#settle(batch);
  }

  async #failed(batch: Batch, error: unknown): Promise<void> {
    this.#counts.failedBatches++;
    this.#lastFailure = reasonOf(error);
    batch.failed(this.#counts.sentBatches);
    if (isPermanent(error) || batch.history.strikes >= MOST_STRIKES) {
      const reason = isPermanent(error) ? 'refused' : 'poison';
      this.#drop(reason, batch.spans.length, reasonOf(error));
      this.#health.answered();
      await this.#settle(batch);
      return;
    }
    if (!this.#stopped) this.#health.failed(error, this.#settings.spool !== undefined);
    if (!batch.replayed) this.#buffer.putBack(batch);
    else if (batch.shouldStandBack) await this.#toTheSpoolsEnd(batch);
  }

  async #settle(batch: Batch): Promise<void> {
    if (!batch.replayed) {
      this.#buffer.settle(batch);
      return;
    }
    this.#counts.replayedSpans += batch.spans.length;
    this.#histories.delete(batch.key);
    await this.#settings.spool!.remove().catch((error: unknown) => this.#spoolFailed(error));
    this.#replay = undefined;
  }

  #drop(reason: DropReason, spans: number, why: string): void {
    this.#counts.dropped[reason] += spans;
    this.#settings.diagnostics.warnOnce(
      `export-dropped:${this.name}:${reason}`,
      `${this.name} drops spans: ${why}. Counted from now on as forge_export_dropped_spans_total{exporter="${this.name}",reason="${reason}"}.`,
    );
  }

  // --- the spool ---

  async #fetchReplay(): Promise<void> {
    const { spool, timers } = this.#settings;
    if (spool === undefined || this.#fetchingReplay || this.#stopped) return;
    if (timers.nowMs() < this.#spoolPausedUntilMs) return;
    this.#fetchingReplay = true;
    try {
      const spans = await spool.oldest();
      if (spans === undefined || this.#stopped) return;
      const replay = new Batch([...spans], true);
      replay.history = this.#histories.get(replay.key) ?? replay.history;
      this.#replay = replay;
    } catch (error) {
      this.#spoolFailed(error);
    } finally {
      this.#fetchingReplay = false;
    }
    if (this.#replay !== undefined) this.#pump();
  }

  /** One batch that fails by its own fault must not block what waits behind it. */
  async #toTheSpoolsEnd(batch: Batch): Promise<void> {
    const spool = this.#settings.spool!;
    try {
      await spool.append(batch.spans);
      await spool.remove();
      if (this.#histories.size < MOST_HISTORIES) this.#histories.set(batch.key, batch.history);
      this.#replay = undefined;
    } catch (error) {
      this.#spoolFailed(error);
    }
  }

  /** Moves batches from memory to disk, one after the other, as long as they are better off there. */
  #spoolWaiting(): Promise<void> {
    const { spool, timers } = this.#settings;
    if (spool === undefined || timers.nowMs() < this.#spoolPausedUntilMs) return Promise.resolve();
    this.#spoolRun ??= this.#runSpooling(spool).finally(() => (this.#spoolRun = undefined));
    return this.#spoolRun;
  }

  async #runSpooling(spool: Spool): Promise<void> {
    try {
      while (this.#shouldSpool()) {
        const batch = this.#buffer.take();
        if (batch === undefined) break;
        try {
          await spool.append(batch.spans);
        } catch (error) {
          this.#buffer.putBack(batch);
          throw error;
        }
        this.#counts.spooledSpans += batch.spans.length;
        this.#settings.diagnostics.forget(`spool:${this.name}`);
        this.#buffer.settle(batch);
      }
    } catch (error) {
      this.#spoolFailed(error);
    }
  }

  #shouldSpool(): boolean {
    const { timers, spoolAfterMs, maxQueuedBytes, maxQueuedSpans } = this.#settings;
    const { queuedBytes, queuedSpans } = this.#counts;
    if (this.#health.failing || this.#stopped) return true;
    if (queuedBytes * 2 > maxQueuedBytes || queuedSpans * 2 > maxQueuedSpans) return true;
    return timers.nowMs() - this.#buffer.oldestSealedAtMs >= spoolAfterMs;
  }

  #spoolFailed(error: unknown): void {
    this.#spoolPausedUntilMs = this.#settings.timers.nowMs() + SPOOL_PAUSE_MS;
    this.#settings.diagnostics.warnOnce(
      `spool:${this.name}`,
      `the spool of ${this.name} fails: ${reasonOf(error)}. Spans stay in memory, within bounds.`,
    );
  }

  // --- the end ---

  async #shutdown(withinMs: number): Promise<void> {
    const { spool, timers } = this.#settings;
    const endMs = timers.nowMs() + withinMs;
    const leftMs = (): number => Math.max(1, endMs - timers.nowMs());
    this.#closed = true;
    // With a spool, time is kept back for it; a backend that is away is not waited for.
    await this.flush(spool === undefined ? withinMs * 0.8 : this.#health.failing ? 1 : withinMs * 0.6);
    this.#stopped = true;
    this.#health.releaseHold();
    const underWay = [...this.#inFlight.values()];
    for (const { abort } of underWay) abort.abort();
    // The aborted batches go back to the buffer first, and from there to the disk.
    await this.#within(Promise.all(underWay.map(({ over }) => over)), leftMs());
    await this.#within(this.#spoolRun, leftMs());
    this.#spoolPausedUntilMs = 0;
    await this.#within(this.#spoolWaiting(), leftMs());
    const left = this.#counts.queuedSpans;
    if (left > 0) this.#drop('shutdown', left, 'the process ended before they could be delivered');
    await this.#within(
      this.#exportsSettled().then(() => this.#exporter.shutdown()),
      leftMs(),
    );
    await this.#within(spool?.close(), leftMs());
  }

  #exportsSettled(): Promise<void> {
    if (this.#exporting === 0) return Promise.resolve();
    return new Promise((resolve) => (this.#exportingDone = resolve));
  }

  /** Waits for `work`, whatever comes of it, but no longer than that. */
  #within(work: Promise<unknown> | undefined, withinMs: number): Promise<void> {
    if (work === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.#settings.timers.after(withinMs, resolve, true);
      work
        .then(undefined, (error: unknown) =>
          this.#settings.diagnostics.warnOnce(
            `export-close:${this.name}`,
            `${this.name} did not close cleanly: ${reasonOf(error)}`,
          ),
        )
        .finally(() => {
          cancel();
          resolve();
        });
    });
  }
}
