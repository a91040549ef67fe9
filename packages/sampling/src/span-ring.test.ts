import {
  activeContext,
  contextWithSpan,
  Kind,
  TracerProvider,
  type Span,
  type SpanData,
  type TracePipeline,
} from '@forge/core';
import { FakeClock } from '@forge/testing';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeHeld, encodeHeld, type HeldSpan } from './held-span.ts';
import { SpanRing, type SpanRingOptions } from './span-ring.ts';
import { Traffic } from './traffic.ts';

const MIB = 1024 * 1024;

function setUp(options: Partial<SpanRingOptions> = {}, wanted: (w3: number) => boolean = () => false) {
  const parked: { traceId: string; spans: HeldSpan[] }[] = [];
  const ring = new SpanRing(
    { maxBytes: 4 * MIB, maxAgeMs: 10_000, ...options },
    {
      wants: (_w0, _w1, _w2, w3) => wanted(w3),
      onDropped: (traceId, spans) => void parked.push({ traceId, spans }),
    },
  );
  const traffic = new Traffic();
  const written: Span[] = [];
  const pipeline: TracePipeline = {
    onStart: () => undefined,
    onEnd(span) {
      written.push(span);
      ring.write(span, traffic.operationOf(span));
    },
    onKeep: () => undefined,
    flush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  };
  const clock = new FakeClock();
  const provider = new TracerProvider({ serviceName: 'shop', pipeline, clock, sampler: { begin: () => undefined } });
  const tracer = provider.getTracer('test', '1.2.3');
  const take = (span: Span): HeldSpan[] => {
    const held: HeldSpan[] = [];
    ring.take([span.trace], (one) => held.push(one));
    return held;
  };
  return { ring, tracer, clock, written, parked, take };
}

/** Every field of a finished span. */
function plain(span: SpanData): unknown {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId,
    name: span.name,
    resource: span.resource,
    kind: span.kind,
    startUnixUs: span.startUnixUs,
    durationUs: span.durationUs,
    status: span.status,
    statusMessage: span.statusMessage,
    attributes: [...span.attributes],
    events: [...span.events],
    links: [...span.links],
    origin: span.origin,
    scope: span.scope,
    traceState: span.traceState,
    droppedAttributes: span.droppedAttributes,
    droppedEvents: span.droppedEvents,
    droppedLinks: span.droppedLinks,
  };
}

const attributeValue = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc.string({ maxLength: 300 }),
  fc.integer(),
  fc.double({ noNaN: true }),
  fc.constantFrom(0, -0, 2 ** 31, -(2 ** 31), 2 ** 31 - 1, Infinity, 1.5),
  fc.boolean(),
  fc.array(fc.string()),
  fc.array(fc.integer()),
);

describe('the ring', () => {
  test('gives back every field of every span as it was', () => {
    const { tracer, clock, take, ring } = setUp({ maxBytes: 64 * MIB });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.string({ minLength: 1 }), attributeValue), { maxLength: 10 }),
        fc.record({
          error: fc.boolean(),
          event: fc.boolean(),
          link: fc.boolean(),
          state: fc.boolean(),
          ms: fc.double({ min: 0, max: 1e9, noNaN: true }),
        }),
        fc.string({ minLength: 1, maxLength: 20 }),
        (attributes, more, resource) => {
          const root = tracer.start('http.request', Kind.server);
          if (more.state) root.trace.otherState = 'a=1,b=2';
          const span = tracer.startSpan(
            'db.query',
            { kind: Kind.client, attributes: Object.fromEntries(attributes) },
            tracerContext(root),
          );
          span.setResource(resource);
          if (more.event) span.addEvent('log', { line: 'x', n: 1 });
          if (more.link)
            span.addLink({
              context: { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 },
              attributes: { a: true },
            });
          if (more.error) span.fail(new TypeError('bro\u{1F600}ken'));
          clock.advance(more.ms);
          span.end();
          root.end();
          const held = take(span);
          expect(held.map(plain)).toEqual([plain(span), plain(root)]);
          expect(held.every(({ weight, flags }) => weight === 1 && flags === 3)).toBe(true);
          // JSON knows no undefined, -0 and Infinity.
          expect(JSON.stringify(decodeHeld(encodeHeld(held)).map(plain))).toBe(JSON.stringify(held.map(plain)));
        },
      ),
      { numRuns: 300 },
    );
    expect(ring.refusedSpans).toBe(0);
  });

  test('finds the spans of a trace among others, oldest first, and of an unknown one none', () => {
    const { tracer, take } = setUp({ segmentBytes: 4096 });
    const roots: Span[] = [];
    for (let i = 0; i < 200; i++) {
      const root = tracer.start('a').set('i', i);
      tracer.start('b', Kind.internal, tracerContext(root)).end();
      roots.push(root);
    }
    for (const root of roots) root.end();
    expect(take(roots[57]).map(({ name, traceId }) => [name, traceId])).toEqual([
      ['b', roots[57].traceId],
      ['a', roots[57].traceId],
    ]);
    expect(take(tracer.start('never written'))).toEqual([]);
  });

  test('drops by age, not before, and remembers what it dropped for a while', () => {
    const { ring, tracer, take } = setUp({ segmentBytes: 4096 });
    const span = tracer.start('a');
    span.end();
    ring.tick(9999, -1);
    expect(take(span).length).toBe(1);
    expect(ring.hasLost(span.trace)).toBe(false);
    ring.tick(10_000, 0);
    expect(take(span)).toEqual([]);
    expect(ring.hasLost(span.trace)).toBe(true);
    expect(ring.hasLost(tracer.start('other').trace)).toBe(false);
    ring.tick(10_000 + ring.forgetHorizonMs, 0);
    expect(ring.hasLost(span.trace)).toBe(true);
    ring.tick(10_000 + 150_000, 0);
    expect(ring.hasLost(span.trace)).toBe(false);
  });

  test('never takes more than its bound, and gives memory back when it is quiet', () => {
    const { ring, tracer } = setUp({ maxBytes: MIB });
    let most = 0;
    for (let i = 0; i < 30_000; i++) {
      tracer.start('http.request', Kind.server).set('path', '/x').set('n', i).end();
      most = Math.max(most, ring.bytes);
    }
    expect(most).toBeLessThanOrEqual(MIB);
    expect(most).toBeGreaterThan(MIB / 2);
    expect(ring.evictedSpans).toBeGreaterThan(10_000);
    ring.tick(20_000, 10_000);
    expect(ring.bytes).toBeLessThan(MIB / 4);
    ring.tick(400_000, 390_000);
    expect(ring.bytes).toBe(0);
  });

  test('takes a span larger than a segment, and refuses one larger than itself', () => {
    const { ring, tracer, take } = setUp({ maxBytes: MIB, segmentBytes: 4096 });
    const big = tracer.start('big');
    for (let i = 0; i < 20; i++) big.set(`k${i}`, 'é'.repeat(4096));
    big.end();
    expect(take(big)[0].attributes[1]).toBe('é'.repeat(4096));
    const huge = tracer.start('huge');
    for (let i = 0; i < 120; i++) huge.set(`k${i}`, 'é'.repeat(4096));
    huge.end();
    expect(ring.refusedSpans).toBe(1);
    expect(ring.hasLost(huge.trace)).toBe(true);
    expect(ring.bytes).toBeLessThanOrEqual(MIB);
  });

  test('holds spans of any number of shapes', () => {
    const { tracer, take } = setUp({ maxBytes: 64 * MIB });
    const spans: Span[] = [];
    for (let i = 0; i < 10_000; i++) {
      const span = tracer.start('a').setResource(`r${i}`).set(`key${i}`, i);
      span.end();
      spans.push(span);
    }
    for (const i of [0, 63, 64, 5000, 9999]) expect(take(spans[i]).map(plain)).toEqual([plain(spans[i])]);
  });

  test("hands over a parked trace's spans when they are dropped, each once", () => {
    let wantedWord = 0;
    const { ring, tracer, parked } = setUp({ segmentBytes: 4096 }, (w3) => w3 === wantedWord);
    const root = tracer.start('a');
    wantedWord = root.trace.w3;
    tracer.start('b', Kind.internal, tracerContext(root)).end();
    tracer.start('other').end();
    ring.tick(10_000, 0);
    root.end();
    ring.tick(20_000, 10_000);
    expect(parked.map(({ traceId, spans }) => [traceId, spans.map(({ name }) => name)])).toEqual([
      [root.traceId, ['b']],
      [root.traceId, ['a']],
    ]);
    expect(ring.hasLost(root.trace)).toBe(false);
  });
});

function tracerContext(span: Span): ReturnType<typeof contextWithSpan> {
  return contextWithSpan(activeContext(), span);
}
