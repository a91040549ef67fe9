import type { SpanData } from '@forge/core';
import type { SpanSink } from './queue.ts';

/** Hands every span to all of `sinks`: one queue an exporter. */
export function createExportPipeline(sinks: readonly SpanSink[]): SpanSink {
  const all = [...sinks];
  return {
    push(span: SpanData): void {
      for (let i = 0; i < all.length; i++) all[i].push(span);
    },
    async flush(withinMs?: number): Promise<boolean> {
      const results = await Promise.all(all.map((sink) => sink.flush(withinMs)));
      return results.every(Boolean);
    },
    async shutdown(withinMs?: number): Promise<void> {
      await Promise.all(all.map((sink) => sink.shutdown(withinMs)));
    },
  };
}
