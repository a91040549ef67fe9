import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { passes, thresholdOfRate } from '../src/threshold.ts';
import { Mesh, type Call, type MeshOptions, type Work } from './mesh.ts';

// Schedules a property; a soak run sets more.
const RUNS = Number(process.env['FORGE_PROPERTY_RUNS'] ?? 300);

// --- schedules ---

/** A call graph of at most this depth. */
function workOf(depth: number): fc.Arbitrary<Work> {
  return fc.record(
    {
      node: fc.nat(3),
      // A few are slow: from 1,000 ms on.
      durationMs: fc.oneof(
        { weight: 9, arbitrary: fc.integer({ min: 1, max: 200 }) },
        { weight: 1, arbitrary: fc.integer({ min: 995, max: 1600 }) },
      ),
      error: fc.oneof(
        { weight: 8, arbitrary: fc.constant('none' as const) },
        { weight: 1, arbitrary: fc.constantFrom('inner' as const, 'root' as const) },
      ),
      calls: depth === 0 ? fc.constant([]) : fc.array(callOf(depth - 1), { maxLength: 3 }),
      job: fc.record({
        delayMs: fc.oneof(fc.nat(3000), fc.integer({ min: 12_000, max: 30_000 })),
        node: fc.nat(3),
        fails: fc.boolean(),
      }),
    },
    { requiredKeys: ['node', 'durationMs', 'error', 'calls'] },
  );
}

function callOf(depth: number): fc.Arbitrary<Call> {
  return fc.record({
    atMs: fc.nat(150),
    latencyMs: fc.integer({ min: 1, max: 300 }),
    work: workOf(depth),
    answerLost: fc.boolean(),
    detached: fc.boolean(),
  });
}

const work = workOf(3);
const requests = fc.array(fc.record({ atMs: fc.nat(8000), work }), { minLength: 1, maxLength: 6 });

const HOUR_MS = 3_600_000;

const world = fc.record({
  nodes: fc.integer({ min: 1, max: 4 }),
  sampleRate: fc.constantFrom(0, 0.1, 0.5, 1),
  trusted: fc.boolean(),
  skewMs: fc.array(fc.constantFrom(0, -HOUR_MS, HOUR_MS), { minLength: 4, maxLength: 4 }),
  maxCommitMs: fc.constantFrom(1, 300, 3000),
  seed: fc.integer({ min: 1 }),
});

function meshOf(
  {
    seed,
    ...options
  }: Pick<MeshOptions, 'nodes' | 'sampleRate' | 'trusted' | 'skewMs' | 'maxCommitMs'> & { seed: number },
  more: Partial<MeshOptions> = {},
): Mesh {
  let state = seed | 1;
  const draw = (): number => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9;
    return (state >>> 0) / 2 ** 32;
  };
  return new Mesh({
    ...options,
    ringMaxAgeMs: 10_000,
    ringMaxBytes: 4 * 1024 * 1024,
    slowThresholdMs: 1000,
    maxKeptPerSecond: 1000,
    draw,
    ...more,
  });
}

// --- what must hold ---

/** The spans of a trace that ended and are not stored. */
function missing(mesh: Mesh, traceId: string): string[] {
  return mesh.oracle.spans
    .filter((span) => span.traceId === traceId && !mesh.stored.has(span.spanId))
    .map(({ nodeId }) => nodeId);
}

/** Triggered traces that are not whole. */
function partial(mesh: Mesh): string[] {
  return [...mesh.oracle.triggered].filter((traceId) => missing(mesh, traceId).length > 0);
}

/** Those of them that nothing says so of. */
function silentlyPartial(mesh: Mesh): string[] {
  return partial(mesh).filter((traceId) => !mesh.log.hasGap(traceId));
}

/** Spans of traces that nobody triggered which are stored below the threshold, or not stored at or above it. */
function headErrors(mesh: Mesh, sampleRate: number): string[] {
  const threshold = thresholdOfRate(sampleRate);
  return mesh.oracle.spans
    .filter(({ traceId, spanId }) => {
      const { w2, w3 } = mesh.oracle.traces.get(traceId)!.trace;
      const sampled = threshold !== undefined && passes(threshold, w2, w3);
      return !mesh.oracle.triggered.has(traceId) && mesh.stored.has(spanId) !== sampled;
    })
    .map(({ traceId }) => traceId);
}

const QUIET_MS = 60_000;

describe('a mesh in which nothing fails for longer than the ring remembers', () => {
  test('stores every triggered trace whole and nothing else but the head sample, in any order of events', () => {
    fc.assert(
      fc.property(world, requests, (options, schedule) => {
        const mesh = meshOf(options);
        for (const { atMs, work: one } of schedule) mesh.request(atMs, one);
        mesh.run(QUIET_MS);
        expect(partial(mesh)).toEqual([]);
        expect(headErrors(mesh, options.sampleRate)).toEqual([]);
        expect([...mesh.oracle.triggered].filter((traceId) => mesh.log.hasGap(traceId))).toEqual([]);
        expect(mesh.maxRingBytes).toBeLessThanOrEqual(4 * 1024 * 1024);
      }),
      { numRuns: RUNS },
    );
  });

  test('stores each span once where no job brings it back', () => {
    fc.assert(
      fc.property(world, requests, (options, schedule) => {
        const mesh = meshOf(options);
        for (const { atMs, work: one } of schedule) mesh.request(atMs, withoutJobs(one));
        mesh.run(25_000);
        expect([...mesh.stored.values()].filter((times) => times !== 1)).toEqual([]);
      }),
      { numRuns: RUNS },
    );
  });

  test('survives a keep log that stalls for five seconds', () => {
    fc.assert(
      fc.property(world, requests, fc.nat(8000), (options, schedule, fromMs) => {
        const mesh = meshOf({ ...options, maxCommitMs: 300 }, { stall: { fromMs, toMs: fromMs + 5000 } });
        for (const { atMs, work: one } of schedule) mesh.request(atMs, one);
        mesh.run(QUIET_MS);
        expect(partial(mesh)).toEqual([]);
        expect(headErrors(mesh, options.sampleRate)).toEqual([]);
      }),
      { numRuns: RUNS },
    );
  });
});

describe('a mesh in which things fail', () => {
  test('a trace is whole or has a gap after a stall of a minute', () => {
    fc.assert(
      fc.property(world, requests, fc.nat(8000), (options, schedule, fromMs) => {
        const mesh = meshOf(options, { stall: { fromMs, toMs: fromMs + 60_000 }, ringMaxBytes: 1024 * 1024 });
        for (const { atMs, work: one } of schedule) mesh.request(atMs, one);
        mesh.run(fromMs + 100_000);
        expect(silentlyPartial(mesh)).toEqual([]);
        expect(headErrors(mesh, options.sampleRate)).toEqual([]);
        expect(mesh.maxRingBytes).toBeLessThanOrEqual(1024 * 1024);
      }),
      { numRuns: RUNS / 2 },
    );
  });

  test('a node that dies leaves a gap, and only its own spans are missing', () => {
    fc.assert(
      fc.property(world, requests, fc.nat(9000), fc.nat(3), (options, schedule, atMs, node) => {
        const mesh = meshOf({ ...options, nodes: Math.max(2, options.nodes) }, { crash: { atMs, node } });
        for (const { atMs: startMs, work: one } of schedule) mesh.request(startMs, one);
        mesh.run(QUIET_MS);
        const dead = `node-${node % Math.max(2, options.nodes)}`;
        const died = mesh.log.deaths.some(({ nodeId }) => nodeId === dead);
        const kept = mesh.log.keptTraces();
        const wrong = [...mesh.oracle.triggered].filter((traceId) => {
          const lost = new Set(missing(mesh, traceId));
          if (lost.size === 0 || mesh.log.hasGap(traceId)) return false;
          // A trigger that died with its node before anybody heard of it is that node's loss, too.
          const byDead = mesh.oracle.spans.some((span) => span.traceId === traceId && span.nodeId === dead);
          if (!kept.has(traceId)) return !(byDead && died);
          return !(died && lost.size === 1 && lost.has(dead));
        });
        expect(wrong).toEqual([]);
      }),
      { numRuns: RUNS / 2 },
    );
  });

  test('a ring that is too small for its traffic stays within its bound and says what it lost', () => {
    fc.assert(
      fc.property(world, fc.integer({ min: 200, max: 900 }), work, (options, count, one) => {
        const mesh = meshOf({ ...options, sampleRate: 0 }, { ringMaxBytes: 1024 * 1024 });
        // The error comes when most of what its trace did has been pushed out.
        mesh.request(0, {
          node: 0,
          durationMs: 900,
          error: 'root',
          calls: [{ atMs: 0, latencyMs: 1, answerLost: true, detached: false, work: withoutJobs(one) }],
        });
        for (let i = 0; i < count; i++)
          mesh.request(300 + (i % 400), { node: i % 4, durationMs: 2, error: 'none', calls: [] });
        mesh.run(20_000);
        expect(mesh.maxRingBytes).toBeLessThanOrEqual(1024 * 1024);
        expect(silentlyPartial(mesh)).toEqual([]);
      }),
      { numRuns: 20 },
    );
  });
});

describe('a storm', () => {
  test('above the limit only some are kept, each of them whole, and the rest is counted', () => {
    fc.assert(
      fc.property(world, (options) => {
        const mesh = meshOf({ ...options, sampleRate: 0, maxCommitMs: 100 }, { maxKeptPerSecond: 10 });
        for (let i = 0; i < 400; i++)
          mesh.request(i * 10, {
            node: i % 4,
            durationMs: 20,
            error: 'root',
            calls: [
              {
                atMs: 1,
                latencyMs: 2,
                answerLost: false,
                detached: false,
                work: { node: i + 1, durationMs: 5, error: 'none', calls: [] },
              },
            ],
          });
        mesh.run(30_000);
        const kept = mesh.log.keptTraces();
        expect(kept.size).toBeLessThan(200);
        expect(kept.size).toBeGreaterThan(5);
        expect([...kept].filter((traceId) => missing(mesh, traceId).length > 0)).toEqual([]);
        expect(
          mesh.oracle.spans.filter(({ traceId, spanId }) => !kept.has(traceId) && mesh.stored.has(spanId)),
        ).toEqual([]);
        const cut = mesh.counts().reduce((sum, counts) => sum + counts['forge_sampling_cut_traces_total'], 0);
        expect(cut).toBeGreaterThanOrEqual(400 - kept.size);
      }),
      { numRuns: 30 },
    );
  });
});

function withoutJobs({ node, durationMs, error, calls }: Work): Work {
  return { node, durationMs, error, calls: calls.map((call) => ({ ...call, work: withoutJobs(call.work) })) };
}
