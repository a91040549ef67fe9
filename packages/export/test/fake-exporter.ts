import type { SpanData } from '@forge/core';
import { exportError } from '../src/errors.ts';
import type { Exporter, ExportResult } from '../src/exporter.ts';

interface Call {
  readonly batch: readonly SpanData[];
  readonly signal: AbortSignal;
  readonly resolve: (result: ExportResult) => void;
  readonly reject: (error: unknown) => void;
}

/** An exporter whose every call is answered by the test, or at once as `answer` says. */
export class FakeExporter implements Exporter {
  readonly name = 'fake';
  readonly calls: Call[] = [];
  shutdowns = 0;
  answer: 'accept' | 'away' | 'refuse' | 'wait' = 'accept';

  export(batch: readonly SpanData[], signal: AbortSignal): Promise<ExportResult> {
    return new Promise((resolve, reject) => {
      this.calls.push({ batch, signal, resolve, reject });
      if (this.answer === 'accept') resolve({ rejected: 0 });
      else if (this.answer === 'away') reject(exportError('connection refused', { retryable: true }));
      else if (this.answer === 'refuse') reject(exportError('bad request', { retryable: false }));
    });
  }

  shutdown(): Promise<void> {
    this.shutdowns++;
    return Promise.resolve();
  }

  /** Names of all spans that were offered, batch by batch. */
  get offered(): string[][] {
    return this.calls.map(({ batch }) => batch.map(({ name }) => name));
  }

  get last(): Call {
    return this.calls.at(-1)!;
  }
}
