import { activeContext, contextWithSpan, Diagnostics, isSuppressed, runInContext, spanOf } from '@forge/core';
import { createRecorder, makeSpan } from '@forge/testing';
import { describe, expect, it } from 'vitest';
import { FakeExporter } from '../test/fake-exporter.ts';
import { FakeTimers } from '../test/fake-timers.ts';
import { MemorySpool } from '../test/memory-spool.ts';
import { exportError } from './errors.ts';
import type { ExportQueueOptions } from './options.ts';
import { createExportQueue, type ExportQueue } from './queue.ts';

function setUp(options: Partial<ExportQueueOptions> = {}) {
  const log: string[] = [];
  const diagnostics = new Diagnostics((level, message) => log.push(`${level}: ${message}`));
  const timers = new FakeTimers();
  const exporter = new FakeExporter();
  const queue = createExportQueue(exporter, {
    diagnostics,
    timers,
    random: () => 0,
    maxBatchSpans: 2,
    delayMs: 100,
    minBackoffMs: 1000,
    maxBackoffMs: 8000,
    timeoutMs: 5000,
    ...options,
  });
  const count = (name: string, reason?: string): number =>
    diagnostics.counts()[`forge_export_${name}{exporter="fake"${reason === undefined ? '' : `,reason="${reason}"`}}`] ??
    0;
  return { log, diagnostics, timers, exporter, queue, count };
}

function pushNames(queue: ExportQueue, ...names: string[]): void {
  for (const name of names) queue.push(makeSpan({ name }));
}

describe('batches', () => {
  it('sends a full batch at once, but not within push', async () => {
    const { queue, exporter, timers } = setUp();
    pushNames(queue, 'a', 'b');
    expect(exporter.calls).toHaveLength(0);
    await timers.advance(0);
    expect(exporter.offered).toEqual([['a', 'b']]);
  });

  it('sends a batch that does not fill up after the delay, counted from its first span', async () => {
    const { queue, exporter, timers } = setUp();
    pushNames(queue, 'a');
    await timers.advance(99);
    expect(exporter.calls).toHaveLength(0);
    await timers.advance(1);
    expect(exporter.offered).toEqual([['a']]);
  });

  it('closes a batch before the span that would exceed its bytes', async () => {
    const { queue, exporter, timers } = setUp({ maxBatchSpans: 100, maxBatchBytes: 10_000 });
    const large = (name: string) => queue.push(makeSpan({ name, attributes: ['text', 'x'.repeat(6000)] }));
    large('a');
    large('b');
    await timers.advance(0);
    expect(exporter.offered).toEqual([['a']]);
  });

  it('keeps no more batches under way than it may', async () => {
    const { queue, exporter, timers } = setUp({ maxInFlight: 2 });
    exporter.answer = 'wait';
    pushNames(queue, 'a', 'b', 'c', 'd', 'e', 'f');
    await timers.advance(0);
    expect(exporter.offered).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
    exporter.calls[0].resolve({ rejected: 0 });
    await timers.advance(0);
    expect(exporter.offered).toHaveLength(3);
  });

  it('drops and counts spans over either bound, says so once, and takes spans again when there is room', async () => {
    const { queue, exporter, timers, count, log } = setUp({ maxQueuedSpans: 3 });
    exporter.answer = 'wait';
    pushNames(queue, 'a', 'b', 'c', 'd', 'e');
    await timers.advance(0);
    expect(count('queued_spans')).toBe(3);
    expect(count('dropped_spans_total', 'queue_full')).toBe(2);
    expect(log).toHaveLength(1);
    expect(log[0]).toContain('fake drops spans: its queue is full (3 spans)');
    exporter.answer = 'accept';
    exporter.last.resolve({ rejected: 0 });
    await timers.advance(200);
    expect(count('queued_spans')).toBe(0);
    expect(count('queued_bytes')).toBe(0);
    pushNames(queue, 'f');
    await timers.advance(200);
    expect(count('sent_spans_total')).toBe(4);
  });

  it('bounds the bytes in memory too', () => {
    const { queue, count } = setUp({ maxBatchSpans: 100, maxQueuedBytes: 4000 });
    for (let i = 0; i < 10; i++) queue.push(makeSpan({ attributes: ['text', 'x'.repeat(1000)] }));
    expect(count('queued_spans')).toBe(2);
    expect(count('queued_bytes')).toBeLessThanOrEqual(4000);
  });

  it('counts a span that cannot be read instead of throwing into the application', () => {
    const { queue, count } = setUp();
    queue.push(undefined as never);
    expect(count('dropped_spans_total', 'invalid')).toBe(1);
  });

  it('delivers outside the request that pushed, and untraced', async () => {
    const { queue, exporter, timers } = setUp();
    const recorder = createRecorder();
    const span = recorder.provider.getTracer('test').start('request');
    const seen: unknown[] = [];
    const original = exporter.export.bind(exporter);
    exporter.export = (batch, signal) => {
      seen.push(isSuppressed(activeContext()), spanOf(activeContext()));
      return original(batch, signal);
    };
    runInContext(contextWithSpan(activeContext(), span), () => pushNames(queue, 'a', 'b'));
    await timers.advance(0);
    expect(seen).toEqual([true, undefined]);
  });

  it('refuses options that make no sense', () => {
    expect(() => setUp({ maxBatchSpans: 0 })).toThrow('maxBatchSpans is 0: it must be at least 1');
    expect(() => setUp({ timeoutMs: Number.NaN })).toThrow('timeoutMs is NaN');
    expect(() => setUp({ delayMs: 0 })).not.toThrow();
  });
});

describe('failures', () => {
  it('tries a batch again after a growing wait, and sends nothing else meanwhile', async () => {
    const { queue, exporter, timers, count } = setUp({ maxInFlight: 4 });
    exporter.answer = 'away';
    pushNames(queue, 'a', 'b');
    await timers.advance(0);
    pushNames(queue, 'c', 'd');
    await timers.advance(499); // half of a second: the jitter is 0
    expect(exporter.offered).toEqual([['a', 'b']]);
    await timers.advance(1);
    expect(exporter.calls).toHaveLength(2);
    await timers.advance(999);
    expect(exporter.calls).toHaveLength(2);
    await timers.advance(1);
    expect(exporter.calls).toHaveLength(3);
    exporter.answer = 'accept';
    await timers.advance(2000);
    expect(count('sent_spans_total')).toBe(4);
    expect(count('failed_batches_total')).toBe(3);
  });

  it('waits as long as the other side asks for', async () => {
    const { queue, exporter, timers } = setUp();
    exporter.answer = 'wait';
    pushNames(queue, 'a', 'b');
    await timers.advance(0);
    exporter.last.reject(exportError('busy', { retryable: true, retryAfterMs: 7000 }));
    await timers.advance(6999);
    expect(exporter.calls).toHaveLength(1);
    await timers.advance(1);
    expect(exporter.calls).toHaveLength(2);
  });

  it('says one line when the backend goes away and one when it is back', async () => {
    const { queue, exporter, timers, count, log } = setUp();
    exporter.answer = 'away';
    pushNames(queue, 'a', 'b');
    await timers.advance(30_000);
    expect(log).toEqual([
      'warn: fake takes no spans: connection refused. They are held in memory, within bounds, until it is back.',
    ]);
    expect(count('up')).toBe(0);
    expect(queue.state()).toMatchObject({ away: true, lastFailure: 'connection refused', queuedSpans: 2 });
    exporter.answer = 'accept';
    await timers.advance(10_000);
    expect(log).toHaveLength(2);
    expect(log[1]).toMatch(/^info: fake takes spans again after \d+\.\d s$/);
    expect(count('up')).toBe(1);
    expect(queue.state()).toMatchObject({ away: false, lastFailure: undefined, sentSpans: 2 });
  });

  it('says nothing of a single failure among good deliveries', async () => {
    const { queue, exporter, timers, log } = setUp();
    exporter.answer = 'away';
    pushNames(queue, 'a', 'b');
    await timers.advance(0);
    exporter.answer = 'accept';
    await timers.advance(1000);
    expect(log).toEqual([]);
  });

  it('drops what the backend refuses for good, counts it, says one line, and goes on', async () => {
    const { queue, exporter, timers, count, log } = setUp();
    exporter.answer = 'refuse';
    pushNames(queue, 'a', 'b', 'c', 'd');
    await timers.advance(0);
    exporter.answer = 'accept';
    pushNames(queue, 'e', 'f');
    await timers.advance(0);
    expect(count('dropped_spans_total', 'refused')).toBe(4);
    expect(count('sent_spans_total')).toBe(2);
    expect(count('queued_spans')).toBe(0);
    expect(log).toHaveLength(1);
    expect(log[0]).toContain('bad request');
  });

  it('counts the spans that the backend refused out of a batch', async () => {
    const { queue, exporter, timers, count } = setUp();
    exporter.answer = 'wait';
    pushNames(queue, 'a', 'b');
    await timers.advance(0);
    exporter.last.resolve({ rejected: 1, message: 'too old' });
    await timers.advance(0);
    expect(count('sent_spans_total')).toBe(1);
    expect(count('dropped_spans_total', 'refused')).toBe(1);
  });

  it('aborts a batch that takes too long and tries it again, though the exporter does not heed the signal', async () => {
    const { queue, exporter, timers, count } = setUp();
    exporter.answer = 'wait';
    pushNames(queue, 'a', 'b');
    await timers.advance(5000);
    expect(exporter.calls[0].signal.aborted).toBe(true);
    exporter.answer = 'accept';
    await timers.advance(1000);
    expect(exporter.offered).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ]);
    expect(count('sent_spans_total')).toBe(2);
  });

  it('takes a batch that fails alone for poison, after others have gone through five times', async () => {
    const { queue, exporter, timers, count } = setUp();
    exporter.answer = 'wait';
    pushNames(queue, 'bad', 'bad');
    for (let i = 0; i < 40; i++) {
      pushNames(queue, `good${i}`, `good${i}`);
      await timers.advance(0);
      for (const call of exporter.calls.splice(0)) {
        if (call.batch[0].name === 'bad') call.reject(exportError('too large', { retryable: true }));
        else call.resolve({ rejected: 0 });
      }
      await timers.advance(10_000);
    }
    expect(count('dropped_spans_total', 'poison')).toBe(2);
  });
});

describe('flush and shutdown', () => {
  it('flushes what was pushed before, at once, and says whether all of it arrived', async () => {
    const { queue, exporter, timers } = setUp();
    pushNames(queue, 'a');
    const flushed = queue.flush(1000);
    await timers.advance(0);
    expect(await flushed).toBe(true);
    expect(exporter.offered).toEqual([['a']]);
  });

  it('does not wait beyond the deadline of a flush, nor for the backoff within it', async () => {
    const { queue, exporter, timers } = setUp();
    exporter.answer = 'away';
    pushNames(queue, 'a', 'b');
    await timers.advance(0);
    const flushed = queue.flush(400);
    await timers.advance(0);
    expect(exporter.calls).toHaveLength(2);
    await timers.advance(400);
    expect(await flushed).toBe(false);
  });

  it('resolves a flush of nothing at once', async () => {
    expect(await setUp().queue.flush(1000)).toBe(true);
  });

  it('shuts down once: delivers, frees the exporter, drops and counts later spans', async () => {
    const { queue, exporter, timers, count } = setUp();
    pushNames(queue, 'a');
    const first = queue.shutdown(1000);
    const second = queue.shutdown(1000);
    await timers.advance(10);
    await Promise.all([first, second]);
    pushNames(queue, 'b');
    await timers.advance(1000);
    expect(exporter.offered).toEqual([['a']]);
    expect(exporter.shutdowns).toBe(1);
    expect(count('dropped_spans_total', 'shutdown')).toBe(1);
  });

  it('ends within its deadline though the backend hangs, and counts what it leaves', async () => {
    const { queue, exporter, timers, count } = setUp({ timeoutMs: 60_000 });
    exporter.answer = 'wait';
    pushNames(queue, 'a', 'b', 'c');
    await timers.advance(0);
    let over = false;
    void queue.shutdown(1000).then(() => (over = true));
    await timers.advance(799);
    expect(over).toBe(false);
    await timers.advance(201);
    expect(over).toBe(true);
    expect(exporter.calls[0].signal.aborted).toBe(true);
    expect(count('dropped_spans_total', 'shutdown')).toBe(3);
  });
});

describe('with a spool', () => {
  it('moves batches to the spool while the backend is away, and replays them when it is back', async () => {
    const spool = new MemorySpool();
    const { queue, exporter, timers, count } = setUp({ spool });
    exporter.answer = 'away';
    pushNames(queue, 'a', 'b', 'c', 'd');
    await timers.advance(0);
    expect(spool.batches).toHaveLength(2);
    expect(count('queued_spans')).toBe(0);
    pushNames(queue, 'e');
    await timers.advance(100);
    expect(spool.batches).toHaveLength(3);
    exporter.answer = 'accept';
    exporter.calls.length = 0;
    await timers.advance(10_000);
    expect(exporter.offered.flat().sort()).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(spool.batches).toHaveLength(0);
    expect(count('spooled_spans_total')).toBe(5);
    expect(count('replayed_spans_total')).toBe(5);
    expect(count('sent_spans_total')).toBe(5);
  });

  it('replays at the start what an earlier process left', async () => {
    const spool = new MemorySpool();
    await spool.append([makeSpan({ name: 'old' })]);
    const { exporter, timers } = setUp({ spool });
    await timers.advance(0);
    expect(exporter.offered).toEqual([['old']]);
    expect(spool.batches).toHaveLength(0);
  });

  it('sends fresh and replayed batches in turn', async () => {
    const spool = new MemorySpool();
    for (const name of ['old1', 'old2']) await spool.append([makeSpan({ name })]);
    const { queue, exporter, timers } = setUp({ spool });
    pushNames(queue, 'a', 'b', 'c', 'd');
    await timers.advance(0);
    expect(exporter.offered.map(([first]) => first)).toEqual(['a', 'old1', 'c', 'old2']);
  });

  it('spools what a slow backend makes wait too long, before the bound on memory is reached', async () => {
    const spool = new MemorySpool();
    const { queue, exporter, timers } = setUp({ spool, spoolAfterMs: 1000, timeoutMs: 60_000 });
    exporter.answer = 'wait';
    pushNames(queue, 'a', 'b', 'c', 'd');
    await timers.advance(999);
    expect(spool.batches).toHaveLength(0);
    pushNames(queue, 'e');
    await timers.advance(101);
    expect(spool.batches.map((batch) => batch[0].name)).toEqual(['c']);
  });

  it('spools from half the bound on memory on', async () => {
    const spool = new MemorySpool();
    const { queue, exporter, timers, count } = setUp({ spool, maxQueuedSpans: 8 });
    exporter.answer = 'wait';
    pushNames(queue, 'a', 'b', 'c', 'd', 'e', 'f');
    await timers.advance(0);
    expect(count('queued_spans')).toBe(4);
    expect(spool.batches).toHaveLength(1);
  });

  it('counts a batch as flushed once it is in the spool', async () => {
    const spool = new MemorySpool();
    const { queue, exporter, timers } = setUp({ spool });
    exporter.answer = 'away';
    pushNames(queue, 'a');
    const flushed = queue.flush(1000);
    await timers.advance(1);
    expect(await flushed).toBe(true);
    expect(spool.batches).toHaveLength(1);
  });

  it('spools at shutdown what a hanging backend did not take', async () => {
    const spool = new MemorySpool();
    const { queue, exporter, timers, count } = setUp({ spool, timeoutMs: 60_000, spoolAfterMs: 60_000 });
    exporter.answer = 'wait';
    pushNames(queue, 'a', 'b', 'c');
    await timers.advance(0);
    const over = queue.shutdown(1000);
    await timers.advance(1000);
    await over;
    expect(spool.batches.flat().map(({ name }) => name)).toEqual(['a', 'b', 'c']);
    expect(spool.closed).toBe(true);
    expect(count('dropped_spans_total', 'shutdown')).toBe(0);
  });

  it('keeps spans in memory while the spool fails, says one line, and uses it again when it works', async () => {
    const spool = new MemorySpool();
    spool.broken = true;
    const { queue, exporter, timers, count, log } = setUp({ spool });
    exporter.answer = 'away';
    pushNames(queue, 'a', 'b');
    await timers.advance(1000);
    expect(count('queued_spans')).toBe(2);
    expect(log.filter((line) => line.includes('no space left on device'))).toHaveLength(1);
    spool.broken = false;
    await timers.advance(20_000);
    expect(spool.batches).toHaveLength(1);
    expect(count('queued_spans')).toBe(0);
  });

  it('puts a batch that fails by its own fault behind the others, and drops it in the end', async () => {
    const spool = new MemorySpool();
    await spool.append([makeSpan({ name: 'bad' })]);
    for (let i = 0; i < 8; i++) await spool.append([makeSpan({ name: `good${i}` })]);
    const { queue, exporter, timers, count } = setUp({ spool, timeoutMs: 60_000, spoolAfterMs: 60_000 });
    exporter.answer = 'wait';
    for (let i = 0; i < 60; i++) {
      if (i > 30 && i < 50) pushNames(queue, 'later', 'later');
      await timers.advance(8000);
      for (const call of exporter.calls.splice(0)) {
        if (call.batch[0].name === 'bad') call.reject(exportError('too large', { retryable: true }));
        else call.resolve({ rejected: 0 });
      }
    }
    expect(count('sent_spans_total')).toBe(46);
    expect(spool.batches).toHaveLength(0);
    expect(count('dropped_spans_total', 'poison')).toBe(1);
  });
});
