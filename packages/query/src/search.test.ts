import { makeSpan } from '@forge/testing';
import { describe, expect, it } from 'vitest';
import { START_US, TRACE, api, body } from '../test/orders-api.ts';
import { storeOf } from '../test/store-of.ts';
import type { Problem } from './problem.ts';
import type { PageJson } from './search.ts';

describe('GET /_api/traces', () => {
  it('finds by span name or resource with a duration in milliseconds', async () => {
    const page = await body<PageJson>(api()('/_api/traces?operation=create_order&min_duration=1000&limit=50'));
    expect(page.next_cursor).toBeNull();
    expect(page.traces).toEqual([
      {
        trace_id: TRACE,
        root: { operation_name: 'http.request', resource: 'POST /api/orders', service_name: 'gateway', status: 'ok' },
        start_time: '2026-11-22T17:48:28.123456Z',
        start_us: START_US,
        duration_ms: 1020,
        duration_us: 1_020_000,
        spans: 2,
        errors: 1,
        services: [
          { service_name: 'gateway', spans: 1, errors: 0 },
          { service_name: 'test', spans: 1, errors: 1 },
        ],
        kept: 'head',
        longest_match_us: 1_000_000,
      },
    ]);
    expect((await body<PageJson>(api()('/_api/traces?operation=http.request&service=gateway'))).traces).toHaveLength(1);
  });

  it.each([
    ['min_duration=1000', true],
    ['min_duration=1000.001', false],
    ['min_duration=1s', true],
    ['min_duration=1000001us', false],
    ['max_duration=1000', true],
    ['max_duration=999.999', false],
    [`start=${START_US + 20_000}`, true],
    [`start=${START_US + 20_001}`, false],
    [`end=${START_US + 20_001}`, true],
    [`end=${START_US + 20_000}`, false],
    ['start=2026-11-22T17:48:28.143456Z', true],
    ['start=2026-11-22T18:48:28.143456%2B01:00', true],
    ['start=2026-11-22T17:48:28.143457Z', false],
    ['status=error', true],
    ['status=ok', false],
    ['text=DECLIN', true],
    ['text=accepted', false],
    ['kept=head', true],
    ['kept=error', false],
  ])('bounds are exact: %s', async (parameter, isFound) => {
    const page = await body<PageJson>(api()(`/_api/traces?operation=create_order&${parameter}`));
    expect(page.traces.map((trace) => trace.trace_id)).toEqual(isFound ? [TRACE] : []);
  });

  it('finds by tags', async () => {
    expect((await body<PageJson>(api()('/_api/traces?tag.method=POST'))).traces).toHaveLength(1);
    expect((await body<PageJson>(api()('/_api/traces?tag.method=POST&tag.path=/'))).traces).toHaveLength(0);
  });

  it('pages through all traces once, whatever the page size, and keeps times before now as the first page had them', async () => {
    const spans = Array.from({ length: 23 }, (_, i) => makeSpan({ startUnixUs: START_US + i * 1000 }));
    let nowMs = START_US / 1000 + 60_000;
    const ask = api({ store: await storeOf(spans), nowMs: () => nowMs });
    const seen: string[] = [];
    let cursor = '';
    do {
      const page: PageJson = await body(ask(`/_api/traces?start=-61s&limit=7${cursor}`));
      seen.push(...page.traces.map((trace) => trace.trace_id));
      cursor = page.next_cursor === null ? '' : `&cursor=${page.next_cursor}`;
      nowMs += 600_000;
    } while (cursor !== '');
    expect(seen).toEqual(spans.map((span) => span.traceId).reverse());
  });

  it('refuses a cursor of another search, and one that is none', async () => {
    const spans = [makeSpan(), makeSpan()];
    const ask = api({ store: await storeOf(spans) });
    const { next_cursor } = await body<PageJson>(ask('/_api/traces?limit=1'));
    expect((await ask(`/_api/traces?limit=2&cursor=${next_cursor}`)).status).toBe(200);
    expect(await body(ask(`/_api/traces?status=ok&cursor=${next_cursor}`))).toMatchObject({
      status: 400,
      parameter: 'cursor',
    });
    expect(await body(ask('/_api/traces?cursor=bm90'))).toMatchObject({ status: 400, parameter: 'cursor' });
  });

  it.each([
    ['min_duration=fast', 'min_duration', 'milliseconds'],
    ['min_duration=-1', 'min_duration', 'milliseconds'],
    ['max_duration=5&min_duration=6', 'max_duration', 'min_duration or more'],
    ['limit=0', 'limit', 'from 1 to 1000'],
    ['limit=1001', 'limit', 'from 1 to 1000'],
    ['limit=1e2', 'limit', 'from 1 to 1000'],
    ['limit=5&limit=6', 'limit', 'once'],
    ['status=failed', 'status', 'ok, error'],
    ['sort=oldest', 'sort', 'newest, longest, longest_span, most_errors, most_spans'],
    ['start=yesterday', 'start', 'ISO 8601'],
    ['start=2026-11-22T17:48:28', 'start', 'zone'],
    ['start=2000000&end=2000000', 'end', 'after start'],
    ['service=', 'service', '1 to 255'],
    ['operation=a%00b', 'operation', 'NUL'],
    ['tag.=x', 'tag.', 'tag.KEY=VALUE'],
    ['servce=a', 'servce', 'operation, service'],
    ['constructor=a', 'constructor', 'operation, service'],
  ])('refuses %s, naming parameter, value and what is allowed', async (query, parameter, allowed) => {
    const response = await api()(`/_api/traces?${query}`);
    expect(response.status).toBe(400);
    const problem = (await response.json()) as Problem;
    expect(problem.parameter).toBe(parameter);
    expect(problem.allowed).toContain(allowed);
    expect(problem.detail).toContain(parameter);
    expect(problem.value).toBeTypeOf('string');
  });
});
