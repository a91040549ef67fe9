import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createQueryHandler } from '../src/handler.ts';
import { randomSpans } from './random-spans.ts';
import { storeOf } from './store-of.ts';

const TRACE = 'a'.repeat(31) + '1';

const segments = fc.constantFrom(
  ...'traces columns spans logs find export services operations tags rates heatmap edges compare info openapi.json'.split(
    ' ',
  ),
  ...'jaeger api v3 dependencies import 0000000000000001 user_id .. % %2F'.split(' '),
  TRACE,
  '',
);
const names = fc.constantFrom(
  ...'operation service min_duration max_duration status text kept start end sort limit cursor tag.user_id tag.'.split(
    ' ',
  ),
  ...'a b format by kind step quantiles prefix traceID tags tag endTs lookback minDuration maxDuration'.split(' '),
  ...'query.start_time_min query.attributes __proto__ constructor'.split(' '),
  '',
);
const values = fc.oneof(
  fc.constantFrom(
    '7',
    '-1h',
    '0',
    '1000',
    '9'.repeat(30),
    '2026-06-01T11:00:00Z',
    '-999999999999999d',
    'error',
    TRACE,
    '{}',
    '[]',
    '{"a":1}',
    '\0',
    '1e9',
    'NaN',
    'otlp',
  ),
  fc.string({ unit: 'binary', maxLength: 30 }),
);
const methods = fc.constantFrom('GET', 'GET', 'GET', 'HEAD', 'DELETE', 'POST', 'PUT', 'OPTIONS');

it('answers any request with what was asked for or with a problem of the caller, never with one of its own', async () => {
  const statuses = new Map<number, number>();
  const requests = fc.record({
    method: methods,
    path: fc.array(segments, { maxLength: 5 }),
    query: fc.array(fc.tuple(names, values), { maxLength: 4 }),
    body: fc.option(fc.string({ maxLength: 20 }), { nil: undefined }),
  });
  await fc.assert(
    fc.asyncProperty(randomSpans, fc.array(requests, { minLength: 20, maxLength: 40 }), async (spans, asked) => {
      const failures: unknown[] = [];
      const handler = createQueryHandler({ store: await storeOf(spans), onError: (error) => failures.push(error) });
      for (const { method, path, query, body } of asked) {
        const url = new URL(`http://localhost/_api/${path.join('/')}`);
        for (const [name, value] of query) url.searchParams.append(name, value);
        const hasBody = body !== undefined && method !== 'GET' && method !== 'HEAD';
        const response = await handler(new Request(url, { method, ...(hasBody ? { body } : {}) }));
        const text = await response.text();
        statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
        expect(failures, `${method} ${url.href}`).toEqual([]);
        expect(response.status, `${method} ${url.href}: ${text}`).toBeLessThan(500);
        expect(() => JSON.parse(text === '' ? 'null' : text) as unknown).not.toThrow();
      }
    }),
    { numRuns: 100 },
  );
  // The requests reach what there is, not its front door alone.
  expect([...statuses.keys()].sort((a, b) => a - b)).toEqual(expect.arrayContaining([200, 400, 404, 405]));
});
