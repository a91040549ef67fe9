/**
 * The suite that every exporter runs, against a real server of its protocol on this machine.
 *
 * @example
 * exporterConformance('zipkin', () => startFakeZipkin());
 *
 * @module
 */
import { activeContext, isForgeError, isSuppressed, type SpanData } from '@forge/core';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BackendMood, ConformanceBackend } from './conformance-backend.ts';
import { oddSpans, plainSpans } from './conformance-spans.ts';
import type { Exporter } from './exporter.ts';

export type { BackendMood, ConformanceBackend } from './conformance-backend.ts';
export { createHttpBackend, type HttpBackendOptions } from './conformance-http.ts';

/** What this backend cannot show; each is said in the test's name. */
export interface ConformanceLimits {
  /** Moods that the protocol or the server does not know. */
  readonly without?: readonly BackendMood[];
}

/** Defines the tests. @param createBackend starts a fresh one for each test */
export function exporterConformance(
  name: string,
  createBackend: () => Promise<ConformanceBackend>,
  limits: ConformanceLimits = {},
): void {
  describe(`${name} keeps the exporter contract`, () => {
    let backend: ConformanceBackend;
    let exporter: Exporter;
    beforeEach(async () => {
      backend = await createBackend();
      exporter = backend.createExporter();
    });
    afterEach(async () => {
      await exporter.shutdown();
      await backend.close();
    });
    const knows = (mood: BackendMood) => limits.without?.includes(mood) !== true;
    const send = (batch: readonly SpanData[], signal = AbortSignal.timeout(10_000)) => exporter.export(batch, signal);
    const ids = (spans: readonly SpanData[]) => spans.map(({ traceId, spanId }) => `${traceId}:${spanId}`).sort();
    const arrived = async () => [...(await backend.received())].sort();

    it('has a name in lower case, for log lines and counters', () => {
      expect(exporter.name).toMatch(/^[a-z][a-z0-9_-]*$/);
    });

    it('opens nothing before the first export', async () => {
      expect(await backend.connections()).toBe(0);
    });

    it.each([1, 2, 1000])('delivers a batch of %i, each span once', async (size) => {
      const batch = plainSpans(size);
      expect(await send(batch)).toMatchObject({ rejected: 0 });
      expect(await arrived()).toEqual(ids(batch));
    });

    it('delivers batches that overlap in time, each whole', async () => {
      const batches = [plainSpans(50), plainSpans(70), plainSpans(30)];
      await Promise.all(batches.map((batch) => send(batch)));
      expect(await arrived()).toEqual(ids(batches.flat()));
    });

    it('leaves the batch and its spans as they were', async () => {
      const batch = plainSpans(10);
      const before = JSON.stringify(batch);
      await send(Object.freeze(batch));
      expect(JSON.stringify(batch)).toBe(before);
    });

    it('delivers odd spans as far as they can be said, and breaks on none', async () => {
      const batch = oddSpans();
      expect(await send(batch)).toMatchObject({ rejected: 0 });
      expect(await arrived()).toEqual(ids(batch));
    });

    it('asks for another try when the backend is gone, and delivers when it is back', async () => {
      await backend.crash();
      const batch = plainSpans(3);
      expect(await failure(send(batch))).toMatchObject({ name: 'ForgeError', retryable: true });
      await backend.recover();
      await eventually(() => send(batch));
      expect(new Set(await arrived())).toEqual(new Set(ids(batch)));
    });

    it('recovers from a backend that went away between two batches', async () => {
      await send(plainSpans(2));
      await backend.crash();
      await backend.recover();
      const batch = plainSpans(2);
      await eventually(() => send(batch));
      expect(await arrived()).toEqual(expect.arrayContaining(ids(batch)));
    });

    it.runIf(knows('busy'))('asks for another try when the backend is busy', async () => {
      await backend.answer('busy');
      const error = await failure(send(plainSpans(2)));
      expect(error).toMatchObject({ name: 'ForgeError', retryable: true });
      const { retryAfterMs } = error as { retryAfterMs?: number };
      expect(retryAfterMs ?? 1).toBeGreaterThan(0);
      await backend.answer('accept');
      await eventually(() => send(plainSpans(2)));
    });

    it.runIf(knows('refuse'))('gives up at once what the backend refuses, and says why', async () => {
      await backend.answer('refuse');
      const error = await failure(send(plainSpans(2)));
      expect(error).toMatchObject({ name: 'ForgeError', retryable: false });
      expect((error as Error).message.length).toBeGreaterThan(5);
      await backend.answer('accept');
      await send(plainSpans(1));
    });

    it.runIf(knows('hang'))('stops waiting when its signal is aborted', async () => {
      await backend.answer('hang');
      const abort = new AbortController();
      const sending = failure(send(plainSpans(2), abort.signal));
      setTimeout(() => abort.abort(), 50);
      expect(await sending).toMatchObject({ name: 'ForgeError', retryable: true });
    });

    it('does not start when its signal is aborted already', async () => {
      const error = await failure(send(plainSpans(1), AbortSignal.abort()));
      expect(error).toMatchObject({ name: 'ForgeError', retryable: true });
      expect(await backend.received()).toEqual([]);
    });

    it('never traces its own traffic', async () => {
      const traced: string[] = [];
      const channels = ['http.client.request.start', 'net.client.socket', 'undici:request:create'];
      const listener = (_message: unknown, channel: string | symbol): void => {
        if (!isSuppressed(activeContext())) traced.push(String(channel));
      };
      for (const channel of channels) subscribe(channel, listener);
      try {
        await send(plainSpans(1));
      } finally {
        for (const channel of channels) unsubscribe(channel, listener);
      }
      expect(traced).toEqual([]);
    });

    it('frees its connections at shutdown, after which it may be shut down again', async () => {
      await send(plainSpans(1));
      await exporter.shutdown();
      await exporter.shutdown();
      await eventually(async () => expect(await backend.connections()).toBe(0));
    });

    it('shuts down without ever having been used', async () => {
      await exporter.shutdown();
      expect(await backend.connections()).toBe(0);
    });
  });
}

async function failure(work: Promise<unknown>): Promise<unknown> {
  const error = await work.then(
    () => new Error('expected the export to fail'),
    (reason: unknown) => reason,
  );
  if (!isForgeError(error)) throw error;
  return error;
}

/** Repeats `attempt` until it succeeds; its last error after 10 seconds. */
async function eventually<T>(attempt: () => Promise<T>): Promise<T> {
  const endMs = performance.now() + 10_000;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > endMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
