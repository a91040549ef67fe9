import type { SpanData } from '@forge/core';
import { Batch } from './batch.ts';
import type { ExportCounts } from './export-counts.ts';
import type { QueueSettings } from './options.ts';
import { estimateSpanBytes } from './span-size.ts';

/**
 * Spans in memory: one batch that fills, sealed ones that wait. What is bounded is all that was added and not settled,
 * wherever it is now: waiting, on its way out, on its way to the disk.
 */
export class BatchBuffer {
  readonly #settings: QueueSettings;
  readonly #counts: ExportCounts;
  readonly #onSealed: () => void;
  readonly #live = new Set<Batch>();
  readonly #waiters = new Set<{ readonly batches: Set<Batch>; readonly done: () => void }>();
  #open = new Batch([], false);
  #ready: Batch[] = [];
  #cancelSeal: (() => void) | undefined = undefined;

  constructor(settings: QueueSettings, counts: ExportCounts, onSealed: () => void) {
    this.#settings = settings;
    this.#counts = counts;
    this.#onSealed = onSealed;
  }

  /** False where the bound on memory is reached. */
  add(span: SpanData): boolean {
    const { maxQueuedSpans, maxQueuedBytes, maxBatchSpans, maxBatchBytes, delayMs, timers } = this.#settings;
    const counts = this.#counts;
    const bytes = estimateSpanBytes(span);
    if (counts.queuedSpans >= maxQueuedSpans || counts.queuedBytes + bytes > maxQueuedBytes) return false;
    if (this.#open.spans.length > 0 && this.#open.bytes + bytes > maxBatchBytes) this.seal();
    const open = this.#open;
    if (open.spans.length === 0) this.#cancelSeal = timers.after(delayMs, () => this.seal());
    open.spans.push(span);
    open.bytes += bytes;
    counts.queuedSpans++;
    counts.queuedBytes += bytes;
    if (open.spans.length >= maxBatchSpans) this.seal();
    return true;
  }

  /** Closes the batch that fills, if it holds anything. */
  seal(): void {
    const batch = this.#open;
    if (batch.spans.length === 0) return;
    this.#cancelSeal?.();
    this.#cancelSeal = undefined;
    batch.sealedAtMs = this.#settings.timers.nowMs();
    this.#open = new Batch([], false);
    this.#live.add(batch);
    this.#ready.push(batch);
    this.#onSealed();
  }

  get hasReady(): boolean {
    return this.#ready.length > 0;
  }

  /** When the oldest waiting batch was sealed; Infinity where none waits. */
  get oldestSealedAtMs(): number {
    return this.#ready[0]?.sealedAtMs ?? Number.POSITIVE_INFINITY;
  }

  take(): Batch | undefined {
    return this.#ready.shift();
  }

  /** Back to the front; to the end after some failures, so that one bad batch does not block the others. */
  putBack(batch: Batch): void {
    if (batch.shouldStandBack) this.#ready.push(batch);
    else this.#ready.unshift(batch);
  }

  /** The batch is delivered, spooled or dropped: it counts no more. */
  settle(batch: Batch): void {
    if (!this.#live.delete(batch)) return;
    this.#counts.queuedSpans -= batch.spans.length;
    this.#counts.queuedBytes -= batch.bytes;
    for (const waiter of this.#waiters) if (waiter.batches.delete(batch) && waiter.batches.size === 0) waiter.done();
  }

  /** Resolves with true when all that was added so far is settled, with false after `withinMs`. */
  settled(withinMs: number): Promise<boolean> {
    this.seal();
    if (this.#live.size === 0) return Promise.resolve(true);
    return new Promise((resolve) => {
      const finish = (whole: boolean): void => {
        this.#waiters.delete(waiter);
        cancel();
        resolve(whole);
      };
      const waiter = { batches: new Set(this.#live), done: () => finish(true) };
      const cancel = this.#settings.timers.after(Math.max(1, withinMs), () => finish(false), true);
      this.#waiters.add(waiter);
    });
  }
}
