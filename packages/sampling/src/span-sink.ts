import type { SpanData } from '@forge/core';

/** Where spans go that are to be stored: the export queues. Called on the application's path: quick, never throws. */
export interface SpanSink {
  push(span: SpanData): void;
  /** Resolves when all that was pushed before is delivered, or in the spool; to `false` where that could not be done. */
  flush(): Promise<unknown>;
  shutdown(): Promise<unknown>;
}
