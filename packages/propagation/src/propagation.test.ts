import {
  activeContext,
  contextWithSpan,
  Decision,
  Kind,
  RemoteSpanContext,
  runInContext,
  Span,
  spanOf,
  withoutTracing,
} from '@forge/core';
import { createRecorder } from '@forge/testing';
import {
  defaultTextMapGetter,
  defaultTextMapSetter,
  propagation as propagationApi,
  ROOT_CONTEXT,
  trace,
} from '@opentelemetry/api';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createPropagation, type Sender } from './propagation.ts';

const TRACE = '12345678901234567890123456789012';
const PARENT = '1234567890123456';
const propagation = createPropagation();

function extract(headers: Record<string, string>): RemoteSpanContext | undefined {
  const span = spanOf(propagation.extract(activeContext(), (name) => headers[name]));
  return span?.spanContext() as RemoteSpanContext | undefined;
}

function inject(span: Span): Record<string, string> {
  const headers: Record<string, string> = {};
  propagation.inject(contextWithSpan(activeContext(), span), (name, value) => void (headers[name] = value));
  return headers;
}

/** What leaves this process when `headers` came in: through a span of our own, as in a server. */
function pass(headers: Record<string, string>): Record<string, string> {
  const recorder = createRecorder({
    sampler: {
      begin(local, parent) {
        if (!(parent instanceof RemoteSpanContext)) return;
        local.otherState = parent.otherState;
        local.otState = parent.otState;
      },
    },
  });
  const context = propagation.extract(activeContext(), (name) => headers[name]);
  return inject(recorder.provider.getTracer('t').start('http.request', Kind.server, context));
}

const others = (headers: Record<string, string>): string[] => (headers['tracestate'] ?? '').split(',').slice(1);

describe('traceparent', () => {
  test('continues the trace of a valid header', () => {
    const remote = extract({ traceparent: `00-${TRACE}-${PARENT}-03` })!;
    expect(remote).toMatchObject({ traceId: TRACE, spanId: PARENT, traceFlags: 3, isRemote: true, trusted: false });
    const out = pass({ traceparent: `00-${TRACE}-${PARENT}-01` });
    expect(out['traceparent']).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-0[0-3]$`));
    expect(out['traceparent'].slice(36, 52)).not.toBe(PARENT);
  });

  test.each([
    ['with a tab and a blank around', `\t 00-${TRACE}-${PARENT}-01 \t`],
    ['of a future version', `cc-${TRACE}-${PARENT}-01`],
    ['of a future version with more behind a dash', `cc-${TRACE}-${PARENT}-01-what-the-future-will-be-like`],
    ['of the last future version', `fe-${TRACE}-${PARENT}-01`],
    ['with flags of the future', `00-${TRACE}-${PARENT}-ff`],
  ])('takes a header %s', (_, traceparent) => {
    expect(extract({ traceparent })?.traceId).toBe(TRACE);
    expect(extract({ traceparent })!.traceFlags).toBeLessThan(4);
  });

  test.each([
    ['empty', ''],
    ['doubled', `00-${TRACE}-${PARENT}-01, 00-${TRACE}-${PARENT}-01`],
    ['doubled, of a future version', `cc-${TRACE}-${PARENT}-01, cc-${TRACE}-${PARENT}-01`],
    ['of version ff', `ff-${TRACE}-${PARENT}-01`],
    ['of an upper case version', `CC-${TRACE}-${PARENT}-01`],
    ['of version 00 with more behind', `00-${TRACE}-${PARENT}-01-what-the-future-will-be-like`],
    ['of version 00 with a dot behind', `00-${TRACE}-${PARENT}-01.`],
    ['of a future version with more not behind a dash', `cc-${TRACE}-${PARENT}-01.what-the-future-will-be-like`],
    ['with a version that is no hex', `.0-${TRACE}-${PARENT}-01`],
    ['with a version that is half hex', `0.-${TRACE}-${PARENT}-01`],
    ['with a long version', `000-${TRACE}-${PARENT}-01`],
    ['with a short version', `0-${TRACE}-${PARENT}-01`],
    ['with a trace id of zeros', `00-${'0'.repeat(32)}-${PARENT}-01`],
    ['with a trace id that is no hex', `00-.${TRACE.slice(1)}-${PARENT}-01`],
    ['with an upper case trace id', `00-${TRACE.slice(1)}A-${PARENT}-01`],
    ['with a letter after f', `00-${TRACE.slice(1)}g-${PARENT}-01`],
    ['with a character beyond ASCII', `00-${TRACE.slice(1)}é-${PARENT}-01`],
    ['with a long trace id', `00-${TRACE}3-${PARENT}-01`],
    ['with a short trace id', `00-${TRACE.slice(1)}-${PARENT}-01`],
    ['with a parent id of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['with a parent id that is no hex', `00-${TRACE}-${PARENT.slice(1)}.-01`],
    ['with a long parent id', `00-${TRACE}-${PARENT}7-01`],
    ['with a short parent id', `00-${TRACE}-${PARENT.slice(1)}-01`],
    ['with flags that are no hex', `00-${TRACE}-${PARENT}-.0`],
    ['with half flags', `00-${TRACE}-${PARENT}-0`],
    ['with upper case flags', `00-${TRACE}-${PARENT}-0A`],
    ['with long flags', `00-${TRACE}-${PARENT}-001`],
    ['with underscores', `00_${TRACE}_${PARENT}_01`],
    ['with a line end', `00-${TRACE}-${PARENT}-01\n`],
  ])('starts a new trace at a header %s', (_, traceparent) => {
    expect(extract({ traceparent, tracestate: 'foo=1' })).toBeUndefined();
  });

  test('passes only the flags that it knows on', () => {
    const recorder = createRecorder({ sampler: { begin: (local) => void (local.decision = Decision.sampled) } });
    const span = recorder.provider.getTracer('t').start('a');
    expect(inject(span)['traceparent']).toBe(`00-${span.traceId}-${span.spanId}-03`);
  });

  test('never throws and never accepts what does not match the grammar', () => {
    const grammar = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
    const near = fc
      .tuple(fc.nat(60), fc.constantFrom('', '0', 'f', 'F', '-', ',', ' ', 'é'))
      .map(([at, text]) => `00-${TRACE}-${PARENT}-01`.slice(0, at) + text + `00-${TRACE}-${PARENT}-01`.slice(at + 1));
    fc.assert(
      fc.property(fc.oneof(near, fc.string()), (header) => {
        const value = header.replace(/^[ \t]+|[ \t]+$/g, '');
        const future = !value.startsWith('00') && value[55] === '-';
        expect(extract({ traceparent: header }) !== undefined).toBe(grammar.test(future ? value.slice(0, 55) : value));
      }),
    );
  });
});

describe('tracestate', () => {
  const traceparent = `00-${TRACE}-${PARENT}-00`;

  test('has forge first, naming the sending span, and keeps what others wrote in their order', () => {
    const out = pass({ traceparent, tracestate: 'other=1,rojo=2,forge=p:aaaaaaaaaaaaaaaa,ot=th:8' });
    const spanId = out['traceparent'].slice(36, 52);
    expect(out['tracestate']).toBe(`forge=p:${spanId},ot=th:8,other=1,rojo=2`);
  });

  test('says why a trace is kept', () => {
    const recorder = createRecorder({ sampler: { begin() {} } });
    const span = recorder.provider.getTracer('t').start('a');
    expect(inject(span)['tracestate']).toBe(`forge=p:${span.spanId}`);
    span.trace.keep('error');
    expect(inject(span)['tracestate']).toBe(`forge=p:${span.spanId};k:error`);
    expect(inject(span)['traceparent']).toMatch(/-03$/);
  });

  test.each([
    ['p:00f067aa0ba902b7', '00f067aa0ba902b7', undefined],
    ['p:00f067aa0ba902b7;k:error', '00f067aa0ba902b7', 'error'],
    ['k:slow;p:00f067aa0ba902b7', '00f067aa0ba902b7', 'slow'],
    ['p:00f067aa0ba902b7;k:error;z:9', '00f067aa0ba902b7', 'error'],
    ['p:00f067aa0ba902b', undefined, undefined],
    ['p:00f067aa0ba902b77', undefined, undefined],
    ['p:0000000000000000;k:errors', undefined, undefined],
    ['xp:00f067aa0ba902b7;xk:error', undefined, undefined],
    ['k:', undefined, undefined],
  ])('reads forge=%s', (value, forgeSpanId, keep) => {
    const remote = extract({ traceparent, tracestate: `forge=${value}` })!;
    expect([remote.forgeSpanId, remote.keep]).toEqual([forgeSpanId, keep]);
  });

  test.each([
    ['several members', 'foo=1,bar=2', ['foo=1', 'bar=2']],
    ['blanks and tabs', 'foo=1 \t , \t bar=2, \t baz=3', ['foo=1', 'bar=2', 'baz=3']],
    ['blanks at both ends', '\t foo=1 \t', ['foo=1']],
    ['empty members', 'foo=1, \t ,,bar=2,', ['foo=1', 'bar=2']],
    ['a blank before the value, which belongs to it', 'foo= 1', ['foo= 1']],
    ['tenants', 'fw529a3039@dt=1,0@a=2,foo@=3,foo@@bar=4', ['fw529a3039@dt=1', '0@a=2', 'foo@=3', 'foo@@bar=4']],
    ['a doubled key, of which the first stays', 'foo=1,bar=2,foo=3', ['foo=1', 'bar=2']],
    ['a key of 256 characters', `foo=1,${'z'.repeat(256)}=1`, ['foo=1', `${'z'.repeat(256)}=1`]],
    ['a value of 256 characters', `foo=${'v'.repeat(256)}`, [`foo=${'v'.repeat(256)}`]],
  ])('takes %s', (_, tracestate, expected) => {
    expect(others(pass({ traceparent, tracestate }))).toEqual(expected);
  });

  test('takes every character that the grammar allows', () => {
    const key = 'abcdefghijklmnopqrstuvwxyz0123456789_-*/@a-z0-9_-*/';
    let value = '';
    for (let code = 0x20; code < 0x7f; code++) if (code !== 44 && code !== 61) value += String.fromCharCode(code);
    expect(others(pass({ traceparent, tracestate: `${key}=${value}` }))).toEqual([`${key}=${value}`]);
  });

  test.each([
    ['a blank in the key', 'foo =1'],
    ['an upper case key', 'FOO=1'],
    ['a dot in the key', 'foo.bar=1'],
    ['a key that begins with @', '@foo=1,bar=2'],
    ['an empty key', '=1,bar=2'],
    ['no equals sign', 'foo,bar=2'],
    ['an equals sign in the value', 'foo=bar=baz'],
    ['an empty value', 'foo=,bar=3'],
    ['a value of blanks', 'foo=  ,bar=3'],
    ['a tab in the value', 'foo=a\tb,bar=3'],
    ['a character beyond ASCII', 'foo=é,bar=3'],
    ['a key of 257 characters', `foo=1,${'z'.repeat(257)}=1`],
    ['a value of 257 characters', `foo=${'v'.repeat(257)}`],
    ['33 members', Array.from({ length: 33 }, (_, i) => `bar${i}=${i}`).join(',')],
  ])('discards the whole header at %s, and keeps the trace', (_, tracestate) => {
    const out = pass({ traceparent, tracestate });
    expect(out['traceparent']).toContain(TRACE);
    expect(others(out)).toEqual([]);
  });

  test('sends at most 32 members: the last makes room for ours', () => {
    const members = Array.from({ length: 32 }, (_, i) => `bar${i}=${i}`);
    expect(others(pass({ traceparent, tracestate: members.join(',') }))).toEqual(members.slice(0, 31));
  });

  test('sends at most 512 characters: members over 128 go first, then the last', () => {
    const large = `large=${'x'.repeat(130)}`;
    const small = Array.from({ length: 9 }, (_, i) => `s${i}=${'y'.repeat(57)}`); // 60 characters each
    const out = pass({ traceparent, tracestate: [large, ...small].join(',') });
    expect(out['tracestate'].length).toBeLessThanOrEqual(512);
    expect(others(out)).toEqual(small.slice(0, 8));
    const fitting = [large, ...small.slice(0, 4)];
    expect(others(pass({ traceparent, tracestate: fitting.join(',') }))).toEqual(fitting);
  });

  test('is ignored without a traceparent', () => {
    expect(extract({ tracestate: 'foo=1' })).toBeUndefined();
  });

  test('reads back what it wrote, whatever it was', () => {
    fc.assert(
      fc.property(fc.string(), (tracestate) => {
        const once = pass({ traceparent, tracestate });
        expect(once['tracestate'].length).toBeLessThanOrEqual(512);
        expect(others(pass({ traceparent, tracestate: once['tracestate'] }))).toEqual(others(once));
      }),
    );
  });
});

describe('a context without a span of ours', () => {
  test('passes the caller on as it came, with its states', () => {
    const context = propagation.extract(
      activeContext(),
      (name) => ({ traceparent: `00-${TRACE}-${PARENT}-01`, tracestate: 'ot=th:8,forge=p:00f067aa0ba902b7,x=1' })[name],
    );
    const headers: Record<string, string> = {};
    propagation.inject(context, (name, value) => void (headers[name] = value));
    expect(headers).toEqual({
      traceparent: `00-${TRACE}-${PARENT}-01`,
      tracestate: 'forge=p:00f067aa0ba902b7,ot=th:8,x=1',
    });
  });

  test('sends nothing without any span, and nothing where tracing is suppressed', () => {
    const set = (): void => expect.unreachable();
    propagation.inject(activeContext(), set);
    const span = createRecorder().provider.getTracer('t').start('a');
    runInContext(contextWithSpan(activeContext(), span), () =>
      withoutTracing(() => propagation.inject(activeContext(), set)),
    );
  });

  test("works as OpenTelemetry's propagator over any carrier and context", () => {
    const carrier = { traceparent: `00-${TRACE}-${PARENT}-01`, tracestate: 'x=1', baggage: 'k=v' };
    const context = propagation.extract(ROOT_CONTEXT, carrier, defaultTextMapGetter);
    expect(trace.getSpanContext(context)).toMatchObject({ traceId: TRACE, spanId: PARENT, isRemote: true });
    expect(trace.getSpanContext(context)!.traceState!.get('x')).toBe('1');
    const out: Record<string, string> = {};
    propagation.inject(context, out, defaultTextMapSetter);
    expect(out).toEqual(carrier);
    expect(propagation.fields()).toEqual(['traceparent', 'tracestate', 'baggage']);
  });

  test('takes two traceparents in one carrier for none', () => {
    const line = `00-${TRACE}-${PARENT}-01`;
    const context = propagation.extract(ROOT_CONTEXT, { traceparent: [line, line] }, defaultTextMapGetter);
    expect(trace.getSpanContext(context)).toBeUndefined();
  });
});

describe('traceresponse and trust', () => {
  const kept = (): Span => {
    const recorder = createRecorder({ sampler: { begin() {} } });
    return recorder.provider.getTracer('t').start('http.request');
  };
  const answer = (span: Span): Record<string, string> => {
    const headers: Record<string, string> = {};
    propagation.respond(span.trace, (name, value) => void (headers[name] = value));
    return headers;
  };

  test('answers only for a kept trace', () => {
    const span = kept();
    expect(answer(span)).toEqual({});
    span.trace.keep('error');
    expect(answer(span)).toEqual({ traceresponse: `00-${span.traceId}-${span.spanId}-03` });
  });

  test('heeds an answer of a trusted peer about the same trace, and of nobody else', () => {
    const senders: Sender[] = [];
    const meshed = createPropagation({
      trusted(sender) {
        senders.push(sender);
        return sender.peer === 'grpc://worker';
      },
    });
    const span = kept();
    const traceresponse = `00-${span.traceId}-${PARENT}-01`;
    const get = (name: string): string | undefined => ({ traceresponse })[name];
    propagation.heed(span.trace, get);
    meshed.heed(span.trace, get);
    meshed.heed(span.trace, get, 'https://api.stripe.com');
    meshed.heed(span.trace, () => `00-${TRACE}-${PARENT}-01`, 'grpc://worker');
    meshed.heed(span.trace, () => `00-${span.traceId}-${PARENT}-00`, 'grpc://worker');
    meshed.heed(span.trace, () => undefined, 'grpc://worker');
    expect(span.trace.decision).toBe(Decision.undecided);
    meshed.heed(span.trace, get, 'grpc://worker');
    expect([span.trace.decision, span.trace.keepReason]).toEqual([Decision.kept, 'peer']);
    expect(new Set(senders.map(({ way }) => way))).toEqual(new Set(['response']));
  });

  test('marks a request of a trusted peer as such; a check that throws trusts nobody', () => {
    const headers: Record<string, string> = { traceparent: `00-${TRACE}-${PARENT}-01`, secret: 's' };
    const get = (name: string): string | undefined => headers[name];
    const by = (trusted: (sender: Sender) => boolean): boolean =>
      (spanOf(createPropagation({ trusted }).extract(activeContext(), get))!.spanContext() as RemoteSpanContext)
        .trusted;
    expect(by(({ header, way }) => header('secret') === 's' && way === 'request')).toBe(true);
    expect(by(() => false)).toBe(false);
    expect(
      by(() => {
        throw new Error('broken');
      }),
    ).toBe(false);
  });
});

describe('baggage', () => {
  const read = (baggage: string): [string, string, string | undefined][] =>
    (
      propagationApi.getBaggage(propagation.extract(ROOT_CONTEXT, (name) => ({ baggage })[name])) ??
      propagationApi.createBaggage()
    )
      .getAllEntries()
      .map(([key, entry]) => [key, entry.value, entry.metadata?.toString()]);
  const write = (entries: Record<string, { value: string }>): string | undefined => {
    let header: string | undefined;
    propagation.inject(
      propagationApi.setBaggage(ROOT_CONTEXT, propagationApi.createBaggage(entries)),
      (name, value) => {
        if (name === 'baggage') header = value;
      },
    );
    return header;
  };

  test('reads members, properties, blanks and escapes', () => {
    expect(read('key1=value1;property1;property2=x, key2 = value2 ,key3=a%20b%C3%A9')).toEqual([
      ['key1', 'value1', 'property1;property2=x'],
      ['key2', 'value2', undefined],
      ['key3', 'a bé', undefined],
    ]);
    expect(read('a=1=2')).toEqual([['a', '1=2', undefined]]);
    expect(read('a=')).toEqual([['a', '', undefined]]);
  });

  test('replaces escapes that are no UTF-8, and keeps a lone percent sign', () => {
    expect(read('a=%C3(,b=100%,c=%zz')).toEqual([
      ['a', '\uFFFD(', undefined],
      ['b', '100%', undefined],
      ['c', '%zz', undefined],
    ]);
  });

  test('leaves invalid members out and takes the rest', () => {
    expect(read('a b=1,=2,nothing,é=3,c="x",d=4').map(([key]) => key)).toEqual(['d']);
    expect(read(',,')).toEqual([]);
  });

  test('takes and sends 64 members and 8192 characters, no more', () => {
    const many = Array.from({ length: 65 }, (_, i) => `k${i}=v`);
    expect(read(many.join(',')).length).toBe(64);
    expect(write(Object.fromEntries(many.map((_, i) => [`k${i}`, { value: 'v' }])))!.split(',').length).toBe(64);
    expect(read(`a=1,b=${'x'.repeat(8192)}`).map(([key]) => key)).toEqual(['a']);
    expect(write({ a: { value: 'x'.repeat(8190) }, b: { value: 'x'.repeat(8191) }, c: { value: '' } })).toBe(
      `a=${'x'.repeat(8190)}`,
    );
  });

  test('a prototype key is an ordinary key', () => {
    expect(read('__proto__=1,constructor=2').map(([key, value]) => [key, value])).toEqual([
      ['__proto__', '1'],
      ['constructor', '2'],
    ]);
  });

  test('reads back what it wrote, whatever the value', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (value) => {
        const header = write({ key: { value } })!;
        expect(header).toMatch(/^[\x21-\x7e]*$/);
        expect(read(header)).toEqual([['key', value, undefined]]);
      }),
    );
    expect(read(write({ key: { value: '\ud800' } })!)).toEqual([['key', '\uFFFD', undefined]]);
  });
});
