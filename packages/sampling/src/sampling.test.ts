import {
  activeContext,
  contextWithSpan,
  Diagnostics,
  Kind,
  RemoteSpanContext,
  TracerProvider,
  type Span,
  type SpanData,
} from '@forge/core';
import { FakeClock } from '@forge/testing';
import { trace } from '@opentelemetry/api';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { KeepLog, KeepPage, KeepRow, NodeView } from './keep-log.ts';
import { LatencyHistogram } from './latency-histogram.ts';
import { createSampling, type Sampling, type SamplingOptions } from './sampling.ts';
import type { TrafficRow } from './traffic.ts';

let clock: FakeClock;
let stored: SpanData[];
let log: string[];
let diagnostics: Diagnostics;
const opened: Sampling[] = [];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  clock = new FakeClock();
  stored = [];
  log = [];
  diagnostics = new Diagnostics((level, message) => void log.push(`${level}: ${message}`));
});

afterEach(async () => {
  for (const sampling of opened.splice(0)) await sampling.pipeline.shutdown();
  vi.useRealTimers();
});

function start(options: Partial<SamplingOptions> = {}) {
  const sampling = createSampling({
    sampleRate: 0,
    sink: { push: (span) => void stored.push(span), flush: () => Promise.resolve(), shutdown: () => Promise.resolve() },
    diagnostics,
    clock,
    ...options,
  });
  opened.push(sampling);
  const { sampler, pipeline } = sampling;
  const tracer = new TracerProvider({ serviceName: 'shop', sampler, pipeline, clock }).getTracer('t');
  const child = (parent: Span, name: string): Span =>
    tracer.start(name, Kind.internal, contextWithSpan(activeContext(), parent));
  return { sampling, tracer, child, names: () => stored.map(({ name }) => name) };
}

/** Time passes, with everything that runs by it. */
async function pass(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 100) {
    clock.advance(Math.min(100, left));
    await vi.advanceTimersByTimeAsync(Math.min(100, left));
  }
}

describe('in one process', () => {
  test('a trace without a reason is not stored, one with an error is, whole', () => {
    const { tracer, child, names } = start();
    const dull = tracer.start('dull');
    child(dull, 'inside').end();
    dull.end();
    const root = tracer.start('http.request');
    child(root, 'auth.verify').end();
    child(root, 'db.query').fail(new Error('x')).end();
    expect(names()).toEqual(['auth.verify', 'db.query']);
    child(root, 'http.client').end();
    root.end();
    expect(names()).toEqual(['auth.verify', 'db.query', 'http.client', 'http.request']);
    expect(stored[0].flags & 1).toBe(1);
  });

  test('a head-sampled trace goes to the sink at once, with its weight', () => {
    const { tracer } = start({ sampleRate: 1 });
    tracer.start('a').end();
    expect(stored.map(({ name, weight, traceState }) => [name, weight, traceState])).toEqual([['a', 1, 'ot=th:0']]);
  });

  test('a root is slow while it still runs, at its threshold and not before', async () => {
    const { tracer, child, names } = start({ slowThresholdMs: 1000 });
    const root = tracer.start('http.request');
    child(root, 'inside').end();
    await pass(900);
    expect(names()).toEqual([]);
    await pass(200);
    expect(names()).toEqual(['inside']);
    expect(root.trace.keepReason).toBe('slow');
  });

  test('a root that blocked the event loop is found slow at its end; one just below is not', () => {
    const { tracer, names } = start({ slowThresholdMs: 1000 });
    const fast = tracer.start('fast');
    clock.advance(999.999);
    fast.end();
    const slow = tracer.start('slow');
    clock.advance(1000);
    slow.end();
    expect(names()).toEqual(['slow']);
  });

  test('a stream is never slow, but its errors count', async () => {
    const { tracer, child, names } = start();
    const stream = tracer.start('http.request');
    stream.trace.slowExempt = true;
    await pass(5000);
    child(stream, 'message').fail(new Error('x')).end();
    stream.end();
    expect(names()).toEqual(['message', 'http.request']);
  });

  test('what the application keeps is kept', () => {
    const { tracer, names } = start({ alwaysSample: [] });
    const root = tracer.start('a');
    root.fail(new Error('not a reason here'));
    root.trace.keep('forced');
    root.end();
    tracer.start('b').fail(new Error('x')).end();
    expect(names()).toEqual(['a']);
  });

  test('overrides: another threshold by span name or by resource, and more of one resource', async () => {
    const { tracer, names } = start({
      serviceName: 'shop',
      overrides: [
        { operation: 'job.execute', slowThresholdMs: false },
        { operation: 'GET /report', slowThresholdMs: 5000 },
        { operation: 'POST /pay', sampleRate: 1 },
        { service: 'other', slowThresholdMs: 1 },
      ],
    });
    const job = tracer.start('job.execute');
    const report = tracer.start('http.request').setResource('GET /report');
    await pass(2000);
    job.end();
    expect(names()).toEqual([]);
    await pass(3200);
    expect(report.trace.keepReason).toBe('slow');
    report.end();
    tracer.start('http.request').setResource('POST /pay').end();
    expect(stored.map(({ resource }) => resource)).toEqual(['GET /report', 'POST /pay']);
  });

  test('a storm is cut by randomness, and said', async () => {
    const { tracer, sampling } = start({ maxKeptPerSecond: 10 });
    for (let i = 0; i < 1000; i++) tracer.start('a').fail(new Error('x')).end();
    expect(stored.length).toBeGreaterThanOrEqual(10);
    expect(stored.length).toBeLessThan(150);
    expect(diagnostics.counts()['forge_sampling_cut_traces_total']).toBe(1000 - stored.length);
    expect(sampling.describe().join('\n')).toContain('a storm is on');
    await pass(3000);
    expect(sampling.describe().join('\n')).not.toContain('a storm is on');
  });

  test('settings change while it runs, and wrong ones change nothing', () => {
    const { tracer, sampling, names } = start();
    expect(() => sampling.reload({ sampleRate: 2 })).toThrow(
      'sampling option sampleRate is 2: it takes a number from 0 to 1',
    );
    tracer.start('before').end();
    sampling.reload({ sampleRate: 1, alwaysSample: ['errors'] });
    tracer.start('after').end();
    expect(names()).toEqual(['after']);
    expect(sampling.describe()).toContain('head sampling: 100 % of all traces');
  });

  test.each([
    [{ sampleRate: -0.1 }],
    [{ sampleRate: Number.NaN }],
    [{ slowThresholdMs: 0 }],
    [{ maxKeptPerSecond: 0 }],
    [{ alwaysSample: ['slow'] as never }],
    [{ overrides: [{ sampleRate: 1.1 }] }],
    [{ overrides: [{ slowThresholdMs: -1 }] }],
  ])('%j is refused', (options) => {
    expect(() => start(options)).toThrow(expect.objectContaining({ code: 'FORGE_SAMPLING_INVALID_OPTION' }));
  });

  test('counts all traffic exactly, whatever is sampled', async () => {
    const rows: TrafficRow[] = [];
    const { tracer, sampling } = start({ trafficLog: { write: async (given) => void rows.push(...given) } });
    for (let i = 0; i < 10; i++) {
      const span = tracer.start('http.request', Kind.server).setResource('GET /x');
      clock.advance(10);
      if (i === 0) span.setStatus({ code: 2 });
      span.end();
    }
    await sampling.pipeline.flush();
    expect(rows.map(({ name, resource, kind, status, count }) => [name, resource, kind, status, count])).toEqual([
      ['http.request', 'GET /x', Kind.server, 'ok', 9],
      ['http.request', 'GET /x', Kind.server, 'error', 1],
    ]);
    expect(rows[0].sumUs).toBe(90_000);
    expect(LatencyHistogram.decode(rows[0].histogram, 90_000, 10_000).quantileUs(0.99)).toBe(10_000);
    rows.length = 0;
    await sampling.pipeline.flush();
    expect(rows).toEqual([]);
    tracer.start('http.request', Kind.server).setResource('GET /x').end();
    await sampling.pipeline.flush();
    expect(rows.map(({ count }) => count)).toEqual([10, 1]);
  });

  test('counts that could not be written come again', async () => {
    let away = true;
    const rows: TrafficRow[] = [];
    const { tracer, sampling } = start({
      trafficLog: {
        write(given) {
          if (away) return Promise.reject(new Error('away'));
          rows.push(...given);
          return Promise.resolve();
        },
      },
    });
    tracer.start('a').end();
    await sampling.pipeline.flush();
    expect(log).toEqual(['warn: counts of all traffic wait for the database: away']);
    away = false;
    tracer.start('a').end();
    await sampling.pipeline.flush();
    expect(rows.map(({ count }) => count)).toEqual([2]);
  });

  test('the ring stays within its bound at 20,000 requests a second', async () => {
    const { tracer, child } = start();
    let most = 0;
    for (let tenth = 0; tenth < 130; tenth++) {
      for (let i = 0; i < 2000; i++) {
        const root = tracer.start('http.request', Kind.server).set('method', 'GET').set('path', '/api/orders');
        child(root, 'db.query').set('query', 'SELECT id, customer, total FROM orders WHERE id = $1').end();
        root.end();
      }
      most = Math.max(most, diagnostics.counts()['forge_sampling_ring_bytes']);
      await pass(100);
    }
    expect(most).toBeLessThanOrEqual(32 * 1024 * 1024);
    expect(most).toBeGreaterThan(24 * 1024 * 1024 * 0.9);
    await pass(15_000);
    expect(diagnostics.counts()['forge_sampling_ring_bytes']).toBeLessThan(4 * 1024 * 1024);
  });

  test('names the last Forge span where a foreign tracer stands between', () => {
    const { tracer } = start({ sampleRate: 1 });
    const from = (spanId: string, forgeSpanId: string): RemoteSpanContext =>
      new RemoteSpanContext('1'.repeat(32), spanId, 1, false, forgeSpanId, undefined, undefined, undefined);
    for (const remote of [from('a'.repeat(16), 'a'.repeat(16)), from('b'.repeat(16), 'a'.repeat(16))])
      tracer.start('http.request', Kind.server, contextWithSpan(activeContext(), trace.wrapSpanContext(remote))).end();
    expect(stored.map(({ attributes }) => attributes)).toEqual([[], ['forge.parent_id', 'a'.repeat(16)]]);
  });

  test('shuts down twice without harm', async () => {
    const { sampling, tracer } = start();
    await Promise.all([sampling.pipeline.shutdown(), sampling.pipeline.shutdown()]);
    tracer.start('late').fail(new Error('x')).end();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('with a keep log', () => {
  const rows: KeepRow[] = [];
  let page: KeepPage;
  let away: boolean;
  let views: NodeView[];
  const calls: string[] = [];
  const keepLog: KeepLog = {
    append(given) {
      if (away) return Promise.reject(new Error('no route'));
      rows.push(...given);
      return Promise.resolve();
    },
    poll: () => (away ? Promise.reject(new Error('no route')) : Promise.resolve(page)),
    heartbeat: () => (away ? Promise.reject(new Error('no route')) : Promise.resolve(views)),
    leave: () => Promise.resolve(void calls.push('leave')),
    gap: (given) => Promise.resolve(void calls.push(...given.map(({ reason }) => `gap ${reason}`))),
    bury: ({ nodeId }) => Promise.resolve(void calls.push(`bury ${nodeId}`)),
    park: (given) => Promise.resolve(void calls.push(...given.map(() => 'park'))),
    claimParked: () => Promise.resolve([]),
    settleParked: () => Promise.resolve(),
    expireParked: () => Promise.resolve(),
    close: () => Promise.resolve(void calls.push('close')),
  };

  beforeEach(() => {
    rows.length = 0;
    calls.length = 0;
    page = { rows: [], cursor: '1' };
    away = false;
    views = [];
  });

  test('tells others of its triggers, once for each reason', async () => {
    const { tracer, child } = start({ keepLog, nodeId: 'me' });
    const root = tracer.start('a');
    child(root, 'b').fail(new Error('x')).end();
    root.fail(new Error('y')).end();
    await pass(200);
    expect(rows).toEqual([{ traceId: root.traceId, reason: 'error', nodeId: 'me', weight: 1 }]);
  });

  test('stores what another node keeps, held, running and yet to come', async () => {
    const { tracer, child, names } = start({ keepLog });
    const root = tracer.start('root');
    child(root, 'held').end();
    page = { rows: [{ traceId: root.traceId, reason: 'error' }], cursor: '2' };
    await pass(600);
    expect(names()).toEqual(['held']);
    child(root, 'later').end();
    root.end();
    expect(names()).toEqual(['held', 'later', 'root']);
    expect(root.trace.flags & 1).toBe(1);
    expect(rows).toEqual([]);
  });

  test('writes a gap where the keep came too late', async () => {
    const { tracer } = start({ keepLog, ringMaxAgeMs: 1000 });
    const root = tracer.start('root');
    root.end();
    await pass(5000);
    page = { rows: [{ traceId: root.traceId, reason: 'slow' }], cursor: '2' };
    await pass(1000);
    expect([stored, calls]).toEqual([[], ['gap late']]);
  });

  test('forgets nothing for age while the keep log is away, and says so once', async () => {
    const { tracer, names, sampling } = start({ keepLog, ringMaxAgeMs: 1000 });
    await pass(1000);
    away = true;
    const root = tracer.start('root');
    root.end();
    await pass(30_000);
    expect(log.filter((line) => line.includes('(poll'))).toHaveLength(1);
    expect(sampling.describe().at(-1)).toContain('failing');
    away = false;
    // The others have an outage's keeps to write first.
    await pass(15_000);
    page = { rows: [{ traceId: root.traceId, reason: 'error' }], cursor: '2' };
    await pass(600);
    expect([names(), calls]).toEqual([['root'], []]);
    expect(sampling.describe().at(-1)).toBe('keep log: connected');
  });

  test('parks an undecided trace that dispatches a job, when the ring drops it or the process ends', async () => {
    const { tracer, child, sampling } = start({ keepLog, ringMaxAgeMs: 1000, alwaysSample: ['errors'] });
    const root = tracer.start('root');
    tracer.start('job.dispatch', Kind.producer, contextWithSpan(activeContext(), root)).end();
    await pass(200);
    expect(rows.map(({ reason }) => reason)).toEqual(['park']);
    await pass(5000);
    expect(calls).toEqual(['park']);
    child(root, 'more').end();
    await sampling.pipeline.shutdown();
    expect(calls).toEqual(['park', 'park', 'leave', 'close']);
  });

  test('buries a silent node, but not those that were silent while the keep log was away', async () => {
    start({ keepLog, nodeId: 'me' });
    const silent = (silentMs: number): void =>
      void (views = [{ nodeId: 'other', serviceName: 's', triggersPerSecond: 0, silentMs }]);
    silent(9000);
    await pass(15_000);
    expect(calls).toEqual([]);
    away = true;
    await pass(60_000);
    away = false;
    silent(60_000);
    await pass(5000);
    expect(calls).toEqual([]);
    silent(500);
    await pass(10_000);
    silent(10_500);
    await pass(1000);
    expect(calls).toEqual(['bury other']);
  });

  test('a process that could not deliver its spans leaves as one that died', async () => {
    const { sampling } = start({
      keepLog,
      nodeId: 'me',
      sink: { push: () => undefined, flush: () => Promise.resolve(false), shutdown: () => Promise.resolve() },
    });
    await sampling.pipeline.shutdown();
    expect(calls).toEqual(['bury me', 'close']);
  });

  test("confirms a peer's word in the log where the peer did not", async () => {
    const { tracer } = start({ keepLog, nodeId: 'me' });
    const confirmed = tracer.start('a');
    confirmed.trace.keep('peer');
    const silent = tracer.start('b');
    silent.trace.keep('peer');
    page = { rows: [{ traceId: confirmed.traceId, reason: 'error' }], cursor: '2' };
    await pass(3000);
    expect(rows.map(({ traceId, reason }) => [traceId, reason])).toEqual([[silent.traceId, 'peer']]);
  });
});
