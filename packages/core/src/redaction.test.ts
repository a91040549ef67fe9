import { assert, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRecorder } from '@forge/testing';
import { createRedactor, NO_REDACTION } from './redaction.ts';

const redactor = createRedactor();

describe('by their keys', () => {
  it.each([
    'authorization',
    'http.request.header.authorization',
    'Cookie',
    'set-cookie',
    'password',
    'user.passwd',
    'new_password',
    'DB_PWD',
    'passphrase',
    'client_secret',
    'accessToken',
    'x-csrf-token',
    'api-key',
    'X-API-Key',
    'aws.access_key_id',
    'private_key',
    'credentials',
    'card_number',
    'cvv',
  ])('%s is hidden', (key) => {
    expect(redactor.value(key, 'anything')).toBe('[redacted]');
    expect(redactor.value(key, ['a', 'b'])).toEqual(expect.not.arrayContaining(['a']));
  });

  it('numbers are hidden where they are secrets, and kept where they are counts', () => {
    expect(redactor.value('password', 1234)).toBe('[redacted]');
    expect(redactor.value('cvv', 123)).toBe('[redacted]');
    expect(redactor.value('gen_ai.usage.input_tokens', 512)).toBe(512);
    expect(redactor.value('has_token', true)).toBe(true);
  });

  it.each(['method', 'path', 'user_id', 'order_total', 'author', 'exception.type', 'job_type', 'compass', 'query'])(
    '%s is kept',
    (key) => {
      expect(redactor.value(key, 'value')).toBe('value');
      expect(redactor.value(key, 5)).toBe(5);
    },
  );
});

describe('by how they look', () => {
  it.each([
    ['card 4111 1111 1111 1111 declined', 'card [redacted] declined'],
    ['card=4111-1111-1111-1111.', 'card=[redacted].'],
    ['4111111111111111', '[redacted]'],
    ['5500005555555559, 340000000000009;6011000000000004', '[redacted], [redacted];[redacted]'],
    ['exp 4111 1111 1111 1111 12 26', 'exp [redacted] 12 26'],
    ['Bearer abcdef0123456789', 'Bearer [redacted]'],
    ['authorization: Bearer abcdef0123456789', 'authorization: [redacted] [redacted]'],
    ['Basic YW5uOnNlY3JldDE=', 'Basic [redacted]'],
    ['a eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl b', 'a [redacted] b'],
    ['postgres://ann:s3cret@db:5432/shop', 'postgres://ann:[redacted]@db:5432/shop'],
    ['password=s3cret&user=ann', 'password=[redacted]&user=ann'],
    ['{"password":"s3\\"cret","user":"ann"}', '{"password":[redacted],"user":"ann"}'],
    ["{ apiKey: 's3cret', a: 1 }", '{ apiKey: [redacted], a: 1 }'],
    ['access_token=s3cret', 'access_token=[redacted]'],
    ['Cookie: sid=s3cret; theme=dark\nHost: a', 'Cookie: [redacted]\nHost: a'],
    ['-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- x', '[redacted] x'],
    ['invalid input syntax for type integer: "s3cret"', 'invalid input syntax for type integer: "?"'],
    ['invalid input value for enum "mood": "s3cret"', 'invalid input value for enum "mood": "?"'],
    [
      '13 INTERNAL: value "99999999999" is out of range for type integer',
      '13 INTERNAL: value "?" is out of range for type integer',
    ],
    ['date/time field value out of range: "2020-13-45"', 'date/time field value out of range: "?"'],
    ['syntax error at or near "s3cret"', 'syntax error at or near "?"'],
    ['malformed array literal: "s3cret"', 'malformed array literal: "?"'],
  ])('%j becomes %j', (text, expected) => {
    expect(redactor.text(text)).toBe(expected);
  });

  it.each([
    'order 4111111111111112 placed',
    '1795371860886326',
    'trace 4111111111111111abcdef0123456789',
    '0.4111111111111111',
    '550e8400-e29b-41d4-a716-446655440000',
    'phone 0049 30 1234567',
    '0000 0000 0000 0000',
    'the bearer of news',
    'Basic plan',
    'a token is missing',
    'password must have 8 characters',
    'http://example.com:8080/a@b',
    'mail ann@example.com',
    '2026-11-01 12:00:00',
  ])('%j is kept', (text) => {
    expect(redactor.text(text)).toBe(text);
  });

  it('tags and log fields are looked at too, arrays and JSON in them as well', () => {
    expect(redactor.value('note', 'card 4111111111111111')).toBe('card [redacted]');
    expect(redactor.value('notes', ['password=x', 5])).toEqual(['password=[redacted]', 5]);
    expect(redactor.value('body', '{"user":{"token":"abc"}}')).toBe('{"user":{"token":[redacted]}}');
  });

  it('takes time in proportion to the text, whatever it is', () => {
    const texts = [
      '4'.repeat(100_000),
      '4111 '.repeat(20_000),
      'password="'.repeat(10_000),
      'eyJ.'.repeat(25_000),
      '://:'.repeat(25_000),
    ];
    const start = performance.now();
    for (const text of texts) redactor.text(text);
    expect(performance.now() - start).toBeLessThan(2000);
  });

  it('never throws', () => {
    assert(
      property(string({ unit: 'binary' }), string(), (text, key) => {
        redactor.text(text);
        redactor.value(key, text);
      }),
    );
  });
});

describe('further rules', () => {
  it('keys of one’s own, however they are written, whatever their value', () => {
    const own = createRedactor({ keys: ['user.email', 'Age'] });
    expect([own.value('user_email', 'a@b.c'), own.value('age', 5), own.value('user.id', 'x')]).toEqual([
      '[redacted]',
      '[redacted]',
      'x',
    ]);
    expect([own.asksForAll, redactor.asksForAll]).toEqual([true, false]);
  });

  it('texts of one’s own', () => {
    const own = createRedactor({ text: [/\b\d{3}-\d{2}-\d{4}\b/g] });
    expect(own.text('ssn 123-45-6789 and 987-65-4321')).toBe('ssn [redacted] and [redacted]');
  });

  it('a function of one’s own, asked last; what throws hides', () => {
    const own = createRedactor({
      redact(key, value) {
        if (key === 'drop') return undefined;
        if (key === 'broken') throw new Error('no');
        return `${key}: ${String(value)}`;
      },
    });
    expect(own.value('a', 'password=x')).toBe('a: password=[redacted]');
    expect(own.value('drop', 1)).toBeUndefined();
    expect(own.value('broken', 1)).toBe('[redacted]');
  });
});

describe('in spans', () => {
  const { provider, spans, tags } = createRecorder();
  const tracer = provider.getTracer('test');

  function shown(): string {
    return JSON.stringify(
      spans.map(({ attributes, events, links, statusMessage }) => [attributes, events, links, statusMessage]),
    );
  }

  it('tags, events, links, errors, status messages and log lines are redacted', () => {
    const span = tracer.startSpan('x', { attributes: { password: 's3cret', path: '/x' } });
    span.setAttribute('api_key', 's3cret').setAttributes({ note: 'password=s3cret' });
    span.addEvent('log', { message: 'card 4111111111111111', cookie: 's3cret' });
    span.addLink({ context: span.spanContext(), attributes: { token: 's3cret' } });
    span.recordException(new Error('Bearer s3cret0123456789'));
    span.fail('password: s3cret');
    span.setStatus({ code: 2, message: 'secret=s3cret' });
    span.end();
    expect(shown()).not.toMatch(/s3cret|4111/);
    expect(tags(spans.at(-1)!)).toMatchObject({ path: '/x', password: '[redacted]', note: 'password=[redacted]' });
  });

  it.each([
    ['22P02', 'ungültige Eingabesyntax für Typ integer: »"s3cret"«', 'ungültige Eingabesyntax für Typ integer: »"?"«'],
    ['42601', 'near "a" "s3cret"', 'near "?"'],
    ['22021', 'invalid byte sequence: 0xff 0xAB', 'invalid byte sequence: ? ?'],
    ['22P02', 'costs "$&"', 'costs "?"'],
    ['23505', 'violates unique constraint "users_key"', 'violates unique constraint "users_key"'],
  ])('values in a database error of class %s are hidden, its stack included: %s', (code, message, expected) => {
    const error = Object.assign(new Error(message), { code });
    tracer.start('db.query').fail(error).end();
    const { statusMessage, events } = spans.at(-1)!;
    expect(statusMessage).toBe(expected);
    expect(JSON.stringify(events)).not.toContain('s3cret');
    expect(events[0]?.attributes[7]).toContain(`Error: ${expected}\n`);
    expect(error.message).toBe(message);
  });

  it('further keys are asked for what instrumentations set, too', () => {
    const own = createRecorder({ redactor: createRedactor({ keys: ['url'] }) });
    own.provider.getTracer('test').start('http.client').set('url', 'http://a/').set('method', 'GET').end();
    expect(own.tags(own.only('http.client'))).toEqual({ url: '[redacted]', method: 'GET' });
  });

  it('none is where it is switched off', () => {
    const own = createRecorder({ redactor: NO_REDACTION });
    own.provider
      .getTracer('test')
      .startSpan('x', { attributes: { password: 'x' } })
      .end();
    expect(own.tags(own.only('x'))).toEqual({ password: 'x' });
  });
});
