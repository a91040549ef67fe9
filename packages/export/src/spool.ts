import type { SpanData } from '@forge/core';

/**
 * A bounded, durable place for batches that could not be delivered: first in, first out.
 * At least once: after a crash, a batch that was taken but not removed comes again.
 */
export interface Spool {
  /** Batches that wait to be taken, as far as is known. */
  readonly waitingBatches: number;
  /** Bytes on disk. */
  readonly bytes: number;
  /** Spans given up since the start, the oldest first, because the spool was full or a record could not be read. */
  readonly lostSpans: number;
  /** Resolves once the batch survives the end of this process. Rejects with FORGE_SPOOL_FAILED. */
  append(batch: readonly SpanData[]): Promise<void>;
  /** The oldest batch, the same until `remove`; undefined where none waits. Unreadable ones are skipped with a message. */
  oldest(): Promise<readonly SpanData[] | undefined>;
  /** Forgets the batch that `oldest` gave. */
  remove(): Promise<void>;
  /** Leaves what waits to the next process. Safe to call twice. */
  close(): Promise<void>;
}
