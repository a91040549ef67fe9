import type { SpanData } from '@forge/core';

/**
 * A place that finished spans go to. Made by a factory that opens nothing: connections are made by the first `export`.
 * The queue in front of it retries, bounds and spools; an exporter only says what happened.
 */
export interface Exporter {
  /** Lower case, for log lines and counters: `otlp`. */
  readonly name: string;
  /**
   * Delivers `batch` (1 to some thousand spans; not to be kept or changed after the promise settles).
   * Resolves once the other side has taken it. Rejects with a ForgeError whose `retryable` says whether the same batch
   * may be sent again, and whose `retryAfterMs`, where present, says when at the earliest.
   * At least once is enough: the other side knows spans by their ids.
   * @param signal aborted when the time for this batch is over
   */
  export(batch: readonly SpanData[], signal: AbortSignal): Promise<ExportResult>;
  /** Frees connections; called once, after the last `export` has settled. */
  shutdown(): Promise<void>;
}

export interface ExportResult {
  /** Spans that the other side refused for good; 0 as a rule. Counted and said once with `message`. */
  readonly rejected: number;
  readonly message?: string;
}
