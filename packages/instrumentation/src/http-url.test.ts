import fc from 'fast-check';
import { expect, it } from 'vitest';
import { redactQuery, withoutCredentials } from './http-url.ts';

it('replaces every value of a query and keeps the names', () => {
  expect(redactQuery('/pay?card=4242&amount=3')).toBe('/pay?card=REDACTED&amount=REDACTED');
  expect(redactQuery('/pay?a=1=2&b=&&c')).toBe('/pay?a=REDACTED&b=REDACTED&&REDACTED');
  expect(redactQuery('/pay?')).toBe('/pay?');
  expect(redactQuery('/pay#secret')).toBe('/pay');
  expect(redactQuery('/pay?a=1#b=2')).toBe('/pay?a=REDACTED');
});

it('shows 64 parameters, and only says that there are more', () => {
  const of = (count: number): string => `/?${Array.from({ length: count }, () => 'a=1').join('&')}`;
  expect(redactQuery(of(64))).not.toContain('...');
  expect(redactQuery(of(65)).endsWith('&...')).toBe(true);
});

it('shows no value of any query', () => {
  const text = fc.string({ unit: 'binary' });
  fc.assert(
    fc.property(text, fc.array(text), (path, pieces) => {
      const values = pieces.map((piece) => `secret${piece.replace(/[&#?]/g, '')}`);
      const shown = redactQuery(`${path}?${values.map((value, i) => `k${i}=${value}`).join('&')}`);
      expect(shown.slice(path.length)).not.toContain('secret');
    }),
  );
});

it('takes credentials out of a URL, and nothing else', () => {
  expect(withoutCredentials('http://user:pass@api.test:8080/a@b?c@d')).toBe('http://api.test:8080/a@b?c@d');
  expect(withoutCredentials('http://user:p@ss@api.test')).toBe('http://api.test');
  expect(withoutCredentials('http://user:pass@api.test?x')).toBe('http://api.test?x');
  expect(withoutCredentials('https://api.test/@me')).toBe('https://api.test/@me');
  expect(withoutCredentials('/path/with@sign')).toBe('/path/with@sign');
});
