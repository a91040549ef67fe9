import { createRecorder, FakeClock } from '@forge/testing';
import { ROOT_CONTEXT, SpanStatusCode, trace, TraceFlags } from '@opentelemetry/api';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { activeContext, attributesToObject, contextWithSpan, Kind, runInContext, withoutTracing } from './index.ts';

const clock = new FakeClock(Date.UTC(2026, 10, 22));
const recorder = createRecorder({ clock });
const tracer = recorder.provider.getTracer('test', '1.0.0');

describe('ids', () => {
  it('give a new trace the second of its creation first and random words after it', () => {
    const [a, b] = [tracer.start('a').end(), tracer.start('b')].map(() => tracer.start('x'));
    const second = Math.floor(Date.UTC(2026, 10, 22) / 1000)
      .toString(16)
      .padStart(8, '0');
    for (const span of [a, b]) {
      expect(span.traceId).toMatch(/^[0-9a-f]{32}$/);
      expect(span.traceId.slice(0, 8)).toBe(second);
      expect(span.spanId).toMatch(/^[0-9a-f]{16}$/);
    }
    expect(a.traceId).not.toBe(b.traceId);
    expect(a.spanContext().traceFlags & 2).toBe(2);
  });

  it('are taken over from a remote parent, digit by digit', () => {
    fc.assert(
      fc.property(hex(32), hex(16), fc.integer({ min: 0, max: 3 }), (traceId, spanId, traceFlags) => {
        const context = trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true });
        const span = tracer.start('server', Kind.server, context);
        expect(span.traceId).toBe(traceId);
        expect(span.parentSpanId).toBe(spanId);
        expect(span.isLocalRoot).toBe(true);
        expect(span.flags & 2).toBe(traceFlags & 2);
      }),
    );
  });

  it('start a new trace where the parent is invalid', () => {
    const context = trace.setSpanContext(ROOT_CONTEXT, {
      traceId: '0'.repeat(32),
      spanId: '0'.repeat(16),
      traceFlags: 1,
    });
    const span = tracer.start('server', Kind.server, context);
    expect(span.traceId).not.toBe('0'.repeat(32));
    expect(span.parentSpanId).toBeUndefined();
  });
});

describe('times', () => {
  it('are whole microseconds on the wall clock, and a child lies within its parent', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 3, maxLength: 3 }),
        ([a, b, c]) => {
          const parent = tracer.start('parent');
          clock.advance(a);
          const child = tracer.start('child', Kind.internal, contextWithSpan(activeContext(), parent));
          clock.advance(b);
          child.end();
          clock.advance(c);
          parent.end();
          expect(Number.isInteger(child.startUnixUs) && Number.isInteger(child.durationUs)).toBe(true);
          expect(child.startUnixUs).toBeGreaterThanOrEqual(parent.startUnixUs);
          expect(child.startUnixUs + child.durationUs).toBeLessThanOrEqual(parent.startUnixUs + parent.durationUs);
        },
      ),
    );
  });

  it.each([
    ['a Date', new Date(Date.UTC(2026, 10, 22, 1))],
    ['Unix milliseconds', Date.UTC(2026, 10, 22, 1)],
    ['seconds and nanoseconds', [Date.UTC(2026, 10, 22, 1) / 1000, 0] as [number, number]],
  ])('take %s that the application gives', (_, startTime) => {
    expect(tracer.startSpan('s', { startTime }).startUnixUs).toBe(Date.UTC(2026, 10, 22, 1) * 1000);
  });

  it('never end before they started', () => {
    const span = tracer.start('s');
    span.end(new Date(0));
    expect(span.durationUs).toBe(0);
  });

  it('end once', () => {
    recorder.clear();
    const span = tracer.start('s');
    span.end();
    clock.advance(5);
    span.end();
    expect(recorder.spans).toHaveLength(1);
    expect(span.durationUs).toBe(0);
  });
});

describe('attributes', () => {
  it('keep the last value of a key, and take what OpenTelemetry allows only', () => {
    const span = tracer.start('s');
    span.setAttribute('a', 1).setAttribute('a', 2).setAttribute('list', ['x', null]).setAttribute('', 1);
    span.setAttribute('object', {} as never).setAttribute('mixed', [1, 'x'] as never);
    expect(attributesToObject(span.attributes)).toEqual({ a: 2, list: ['x', null] });
  });

  it('are bounded in number and length, and count what they drop', () => {
    const span = tracer.start('s');
    for (let i = 0; i < 130; i++) span.set(`k${i}`, i);
    span.set('k0', 'x'.repeat(5000));
    expect(span.attributes).toHaveLength(256);
    expect(span.droppedAttributes).toBe(2);
    expect(attributesToObject(span.attributes)['k0']).toHaveLength(4096);
  });

  it('are never cut through a surrogate pair', () => {
    const span = tracer.start('s').set('emoji', '😀'.repeat(3000));
    expect((attributesToObject(span.attributes)['emoji'] as string).isWellFormed()).toBe(true);
    const odd = tracer.start('s').set('emoji', `x${'😀'.repeat(3000)}`);
    expect((attributesToObject(odd.attributes)['emoji'] as string).isWellFormed()).toBe(true);
  });

  it('take __proto__ as an ordinary key', () => {
    const object = attributesToObject(['__proto__', 1]);
    expect(Object.keys(object)).toEqual(['__proto__']);
    expect(Object.getPrototypeOf(object)).toBe(Object.prototype);
  });

  it('are not taken after the end', () => {
    const span = tracer.start('s');
    span.end();
    span.set('late', 1).addEvent('late').setStatus({ code: SpanStatusCode.ERROR });
    expect([span.attributes, span.events, span.status]).toEqual([[], [], 0]);
  });
});

describe('status and exceptions', () => {
  it('ok is final, unset changes nothing, a message belongs to errors', () => {
    const span = tracer.start('s');
    span.setStatus({ code: SpanStatusCode.ERROR, message: 'no' }).setStatus({ code: SpanStatusCode.UNSET });
    expect([span.status, span.statusMessage]).toEqual([2, 'no']);
    span.setStatus({ code: SpanStatusCode.OK, message: 'ignored' }).setStatus({ code: SpanStatusCode.ERROR });
    expect([span.status, span.statusMessage]).toEqual([1, undefined]);
  });

  it.each([
    [
      'an error with a code',
      Object.assign(new RangeError('too far'), { code: 'E_FAR' }),
      ['RangeError', 'too far', 'E_FAR'],
    ],
    ['a string', 'plain', ['string', 'plain', undefined]],
    ['null', null, ['null', 'null', undefined]],
    ['an object without a message', { a: 1 }, ['Object', '[object Object]', undefined]],
  ])('describe %s', (_, thrown, [type, message, code]) => {
    const span = tracer.start('s').fail(thrown);
    expect(attributesToObject(span.events[0].attributes)).toMatchObject({
      'exception.type': type,
      'exception.message': message,
      ...(code === undefined ? {} : { 'exception.code': code }),
    });
    expect([span.status, span.statusMessage]).toEqual([2, message]);
  });

  it('survive a thrown value that cannot even be looked at', () => {
    const hostile = new Proxy(
      {},
      {
        get: () => {
          throw new Error('trap');
        },
      },
    );
    expect(() => tracer.start('s').fail(hostile)).not.toThrow();
  });
});

describe('context', () => {
  it('makes what is started within it a child, and OpenTelemetry sees the same span', () => {
    const unregister = recorder.provider.register();
    const outer = tracer.start('outer');
    runInContext(contextWithSpan(activeContext(), outer), () => {
      expect(trace.getActiveSpan()).toBe(outer);
      expect(trace.getTracer('other').startSpan('inner').spanContext().traceId).toBe(outer.traceId);
    });
    unregister();
  });

  it('carries other values through a change of the span', () => {
    const key = Symbol('k');
    const context = activeContext().setValue(key, 1);
    const nested = contextWithSpan(
      contextWithSpan(context, tracer.start('a')).setValue(Symbol('other'), 2),
      tracer.start('b'),
    );
    expect(nested.getValue(key)).toBe(1);
    expect(nested.deleteValue(key).getValue(key)).toBeUndefined();
  });

  it('silences what runs without tracing, and lets the ids of the parent through', () => {
    recorder.clear();
    const outer = tracer.start('outer');
    const silent = runInContext(contextWithSpan(activeContext(), outer), () =>
      withoutTracing(() => tracer.start('silent')),
    );
    silent.set('a', 1).end();
    expect(silent.isRecording()).toBe(false);
    expect(silent.spanContext()).toMatchObject({ traceId: outer.traceId, spanId: outer.spanId });
    expect(silent.spanContext().traceFlags & TraceFlags.SAMPLED).toBe(0);
    expect(recorder.spans).toEqual([]);
  });
});

function hex(length: number): fc.Arbitrary<string> {
  return fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`)).filter((text) => /[1-9a-f]/.test(text));
}
