import { makeSpan } from '@forge/testing';
import { expect, it } from 'vitest';
import { createExportPipeline } from './pipeline.ts';
import type { SpanSink } from './queue.ts';

function fakeSink(flushes: boolean) {
  const seen: string[] = [];
  const sink: SpanSink = {
    push: (span) => void seen.push(span.name),
    flush: (withinMs) => (seen.push(`flush ${withinMs}`), Promise.resolve(flushes)),
    shutdown: (withinMs) => (seen.push(`shutdown ${withinMs}`), Promise.resolve()),
  };
  return { sink, seen };
}

it('hands every span, flush and shutdown to all queues', async () => {
  const [a, b] = [fakeSink(true), fakeSink(true)];
  const pipeline = createExportPipeline([a.sink, b.sink]);
  pipeline.push(makeSpan({ name: 'span' }));
  expect(await pipeline.flush(100)).toBe(true);
  await pipeline.shutdown(200);
  for (const { seen } of [a, b]) expect(seen).toEqual(['span', 'flush 100', 'shutdown 200']);
});

it('is flushed only when every queue is', async () => {
  expect(await createExportPipeline([fakeSink(true).sink, fakeSink(false).sink]).flush(1)).toBe(false);
});
