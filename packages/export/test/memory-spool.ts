import type { SpanData } from '@forge/core';
import type { Spool } from '../src/spool.ts';

/** A spool in memory that can be told to fail. */
export class MemorySpool implements Spool {
  readonly batches: (readonly SpanData[])[] = [];
  broken = false;
  closed = false;
  lostSpans = 0;
  bytes = 0;

  get waitingBatches(): number {
    return this.batches.length;
  }

  async append(batch: readonly SpanData[]): Promise<void> {
    if (this.broken) throw new Error('no space left on device');
    this.batches.push(batch);
  }

  async oldest(): Promise<readonly SpanData[] | undefined> {
    return this.batches[0];
  }

  async remove(): Promise<void> {
    this.batches.shift();
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}
