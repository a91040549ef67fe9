import type { Diagnostics } from '@forge/core';
import { backoffMs } from './backoff.ts';
import { reasonOf, retryAfterMsOf } from './errors.ts';
import type { ExportCounts } from './export-counts.ts';
import type { QueueSettings } from './options.ts';

// A single failed batch among good ones is an everyday matter: counted, not said.
const FAILURES_TO_SAY = 2;

/**
 * Whether the backend takes batches: holds deliveries back after a failure, lets one through to find out,
 * and says one line when the backend goes away and one when it is back.
 */
export class BackendHealth {
  readonly #exporter: string;
  readonly #settings: QueueSettings;
  readonly #counts: ExportCounts;
  readonly #diagnostics: Diagnostics;
  readonly #onRetry: () => void;
  #failures = 0;
  #awaySinceMs = 0;
  #cancelRetry: (() => void) | undefined = undefined;

  /** @param onRetry called when it is time to try again */
  constructor(exporter: string, settings: QueueSettings, counts: ExportCounts, onRetry: () => void) {
    this.#exporter = exporter;
    this.#settings = settings;
    this.#counts = counts;
    this.#diagnostics = settings.diagnostics;
    this.#onRetry = onRetry;
  }

  /** Whether the last delivery failed. */
  get failing(): boolean {
    return this.#failures > 0;
  }

  /** Whether nothing may be sent for now. */
  get holding(): boolean {
    return this.#cancelRetry !== undefined;
  }

  /** @param hasSpool for the message only */
  failed(error: unknown, hasSpool: boolean): void {
    const { timers, minBackoffMs, maxBackoffMs, random } = this.#settings;
    this.#failures++;
    if (this.#failures === 1) this.#awaySinceMs = timers.nowMs();
    if (this.#failures === FAILURES_TO_SAY) {
      this.#counts.away = true;
      this.#diagnostics.warnOnce(
        `export-away:${this.#exporter}`,
        `${this.#exporter} takes no spans: ${reasonOf(error)}. ${hasSpool ? 'They go to the spool on disk' : 'They are held in memory, within bounds,'} until it is back.`,
      );
    }
    this.#cancelRetry?.();
    const waitMs = backoffMs(this.#failures, minBackoffMs, maxBackoffMs, retryAfterMsOf(error), random());
    this.#cancelRetry = timers.after(waitMs, () => {
      this.#cancelRetry = undefined;
      this.#onRetry();
    });
  }

  /** The backend answered, be it with a refusal. */
  answered(): void {
    this.#failures = 0;
    this.releaseHold();
    if (!this.#counts.away) return;
    this.#counts.away = false;
    const seconds = ((this.#settings.timers.nowMs() - this.#awaySinceMs) / 1000).toFixed(1);
    this.#diagnostics.info(`${this.#exporter} takes spans again after ${seconds} s`);
    this.#diagnostics.forget(`export-away:${this.#exporter}`);
  }

  /** Ends the wait: somebody cannot wait that long. */
  releaseHold(): void {
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
  }
}
