import type { SpanData } from '@forge/core';

/** How often a batch was tried in vain. */
export interface BatchHistory {
  readonly attempts: number;
  /** How often it failed although others had gone through since its failure before. */
  readonly strikes: number;
  /** How many deliveries had succeeded when it failed last; -1 before the first failure. */
  readonly successes: number;
}

const NO_HISTORY: BatchHistory = { attempts: 0, strikes: 0, successes: -1 };

/** Spans that travel together. Filled, then sealed; from then on it is never changed but for its history. */
export class Batch {
  readonly spans: SpanData[];
  /** As estimated in memory. */
  bytes = 0;
  /** Whether it came back from the spool: then it counts in no bound, and a failure leaves it where it is. */
  readonly replayed: boolean;
  sealedAtMs = 0;
  history = NO_HISTORY;

  constructor(spans: SpanData[], replayed: boolean) {
    this.spans = spans;
    this.replayed = replayed;
  }

  /** @param successes deliveries of all batches so far */
  failed(successes: number): void {
    const { attempts, strikes, successes: before } = this.history;
    this.history = {
      attempts: attempts + 1,
      strikes: before >= 0 && successes > before ? strikes + 1 : strikes,
      successes,
    };
  }

  /** Whether others should be tried before this one: it may fail by its own fault. */
  get shouldStandBack(): boolean {
    return this.history.strikes > 0 || this.history.attempts % 3 === 0;
  }

  /** The same batch has the same key, here and when it is read again. */
  get key(): string {
    const first = this.spans[0];
    return first === undefined ? '' : `${first.traceId}${first.spanId}`;
  }
}
