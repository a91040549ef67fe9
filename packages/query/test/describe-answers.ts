import type { SpanData } from '@forge/core';
import type { TraceStore } from '@forge/storage';
import { makeSpan } from '@forge/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createQueryHandler } from '../src/handler.ts';
import type { EdgesJson, HeatmapJson, RatesJson } from '../src/rates.ts';
import type { PageJson, SummaryJson } from '../src/search.ts';
import type { TraceJson } from '../src/trace-json.ts';
import {
  answerEdges,
  answerHeatmap,
  answerPoint,
  answerRate,
  answerSearch,
  answerTagValues,
  inMinutes,
  isInHours,
} from './oracle.ts';
import { EPOCH_US, parametersOf, randomQuestion, randomSpans } from './random-spans.ts';

type Ask = <T>(path: string, parameters?: URLSearchParams) => Promise<T>;

/** Runs a property over a fresh store each time. */
type Holds = <T>(
  values: fc.Arbitrary<T>,
  property: (ask: Ask, store: TraceStore, spans: SpanData[], value: T) => Promise<void>,
) => Promise<void>;

export interface AnswersOptions {
  /** A store without spans. */
  readonly open: () => Promise<TraceStore>;
  readonly runs: number;
  /** Which answers are held to the oracle. A store may count traffic otherwise than by the spans written to it. */
  readonly answers: readonly (keyof typeof ANSWERS)[];
}

const ANSWERS = {
  searches: describeSearch,
  traces: describeTrace,
  names: describeNames,
  edges: describeEdges,
  rates: describeRates,
} satisfies Record<string, (holds: Holds, open: AnswersOptions['open']) => void>;

/** Holds every answer of the API over a store to the oracle. */
export function describeAnswers(name: string, options: AnswersOptions): void {
  const holds: Holds = (values, property) => checkProperty(options, values, property);
  describe(`over ${name}, the API`, () => {
    for (const answer of options.answers) ANSWERS[answer](holds, options.open);
  });
}

async function checkProperty<T>(
  options: AnswersOptions,
  values: fc.Arbitrary<T>,
  property: (ask: Ask, store: TraceStore, spans: SpanData[], value: T) => Promise<void>,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(randomSpans, values, async (spans, value) => {
      const store = await options.open();
      await store.write(spans);
      const handler = createQueryHandler({ store });
      const ask: Ask = async (path, parameters) => {
        const query = parameters === undefined ? '' : `?${parameters.toString()}`;
        const response = await handler(new Request(`http://localhost/_api${path}${query}`));
        expect(response.status).toBe(200);
        return (await response.json()) as never;
      };
      try {
        await property(ask, store, spans, value);
      } finally {
        await store.close();
      }
    }),
    // A store on disk is slow to make: a counterexample is shown as it was found.
    { numRuns: options.runs, ...(options.runs < 100 ? { endOnFailure: true } : {}) },
  );
}

/** All pages of a search, `between` run after each. */
async function allPages(
  ask: Ask,
  parameters: URLSearchParams,
  limit: number,
  between = (_page: number) => Promise.resolve(),
): Promise<SummaryJson[]> {
  const all: SummaryJson[] = [];
  const asked = new URLSearchParams(parameters);
  asked.set('limit', String(limit));
  for (let page = 0; ; page++) {
    const { traces, next_cursor: next } = await ask<PageJson>('/traces', asked);
    all.push(...traces);
    if (next === null) return all;
    asked.set('cursor', next);
    await between(page);
  }
}

function describeSearch(holds: Holds): void {
  it('answers searches as the oracle does, for every filter, sort and combination, page by page', async () => {
    const questions = fc.array(fc.tuple(randomQuestion, fc.integer({ min: 1, max: 5 })), {
      minLength: 1,
      maxLength: 12,
    });
    await holds(questions, async (ask, _store, spans, asked) => {
      for (const [question, limit] of asked)
        expect(await allPages(ask, parametersOf(question), limit)).toEqual(answerSearch(spans, question));
    });
  });

  it('skips and repeats no trace while new ones arrive between pages', async () => {
    await holds(
      fc.tuple(randomQuestion, fc.integer({ min: 1, max: 3 }), fc.array(randomSpans, { maxLength: 4 })),
      async (ask, store, spans, [question, limit, arrivals]) => {
        const before = answerSearch(spans, question).map((trace) => trace.trace_id);
        const shown = await allPages(ask, parametersOf(question), limit, async (page) => {
          const fresh = (arrivals[page] ?? []).map((span) => ({ ...span, traceId: `${page}${span.traceId.slice(1)}` }));
          await store.write(fresh);
        });
        const ids = shown.map((trace) => trace.trace_id);
        expect(new Set(ids).size).toBe(ids.length);
        expect(ids.filter((id) => before.includes(id))).toEqual(before);
      },
    );
  });
}

function describeTrace(holds: Holds): void {
  it('gives a trace the header that the search shows, and all its spans in order', async () => {
    await holds(fc.constant(undefined), async (ask, _store, spans) => {
      for (const summary of answerSearch(spans, { sort: 'newest' })) {
        const { longest_match_us: _longest, spans: count, root, ...header } = summary;
        const trace = await ask<TraceJson>(`/traces/${summary.trace_id}`);
        expect(trace).toMatchObject({ ...header, root });
        expect(trace.spans).toHaveLength(count);
        const own = spans.filter((span) => span.traceId === summary.trace_id);
        own.sort((a, b) => a.startUnixUs - b.startUnixUs || (a.spanId < b.spanId ? -1 : 1));
        expect(trace.spans.map((span) => span.span_id)).toEqual(own.map((span) => span.spanId));
        const missing = own.flatMap((span) =>
          own.some((other) => other.spanId === span.parentSpanId) ? [] : (span.parentSpanId ?? []),
        );
        expect(trace.missing_parents.toSorted()).toEqual([...new Set(missing)].sort());
      }
    });
  });
}

const ranges = fc
  .tuple(fc.integer({ min: -70, max: 70 }), fc.integer({ min: 1, max: 140 }), fc.nat(59_999_999))
  .map(([from, minutes, us]) => ({ start: EPOCH_US + from * 60e6 + us, end: EPOCH_US + (from + minutes) * 60e6 + us }));
const range = ({ start, end }: { start: number; end: number }, more: Record<string, string> = {}) =>
  new URLSearchParams({ start: String(start), end: String(end), ...more });

function describeNames(holds: Holds): void {
  it('names what is in the hours of the range', async () => {
    await holds(ranges, async (ask, _store, spans, within) => {
      const own = spans.filter((span) => isInHours(span, within.start, within.end));
      const unique = (values: string[]) => [...new Set(values)].sort();
      expect(await ask('/services', range(within))).toEqual({
        services: unique(own.map((span) => span.origin.serviceName)),
      });
      const ofWorker = own.filter((span) => span.origin.serviceName === 'worker');
      const { operations } = await ask<{ operations: { operation_name: string; resource: string }[] }>(
        '/operations',
        range(within, { service: 'worker' }),
      );
      expect(operations.map((one) => `${one.operation_name} ${one.resource}`)).toEqual(
        unique(ofWorker.map((span) => `${span.name} ${span.resource}`)),
      );
      expect(await ask('/tags', range(within))).toEqual({
        keys: own.some((span) => span.attributes.length > 0) ? ['user_id'] : [],
      });
      const values = answerTagValues(own, 'user_id', '7');
      expect(await ask('/tags/user_id', range(within, { prefix: '7' }))).toEqual({
        key: 'user_id',
        values,
        complete: true,
      });
    });
  });
}

function describeRates(holds: Holds, open: () => Promise<TraceStore>): void {
  const KINDS = ['internal', 'server', 'client', 'producer', 'consumer'];
  const filters = fc.record({
    within: ranges,
    service: fc.option(fc.constantFrom('gateway', 'worker'), { nil: undefined }),
    operation: fc.option(fc.constantFrom('db.query', 'create_order'), { nil: undefined }),
    kinds: fc.option(fc.subarray([0, 1, 2, 3, 4], { minLength: 1 }), { nil: undefined }),
    step: fc.option(fc.constantFrom('1m', '7m', '1h'), { nil: undefined }),
  });
  type Filter = typeof filters extends fc.Arbitrary<infer T> ? T : never;

  function parameters(
    { within, service, operation, kinds, step }: Filter,
    more: Record<string, string> = {},
  ): URLSearchParams {
    return range(within, {
      ...(service === undefined ? {} : { service }),
      ...(operation === undefined ? {} : { operation }),
      ...(kinds === undefined ? {} : { kind: kinds.map((kind) => KINDS[kind]).join(',') }),
      ...(step === undefined ? {} : { step }),
      ...more,
    });
  }

  function counted(spans: SpanData[], { within, service, operation, kinds }: Filter): SpanData[] {
    return inMinutes(spans, within.start, within.end).filter(
      (span) =>
        (service === undefined || span.origin.serviceName === service) &&
        (operation === undefined || span.name === operation || span.resource === operation) &&
        (kinds === undefined || kinds.includes(span.kind)),
    );
  }

  it('counts what the oracle counts, quantiles to 6.25 %', async () => {
    await holds(filters, async (ask, _store, spans, filter) => {
      const rates = await ask<RatesJson>('/rates', parameters(filter, { quantiles: '0,0.5,0.9,1' }));
      expect(rates.quantiles).toEqual([0, 0.5, 0.9, 1]);
      expect(rates.starts_us[0]).toBeLessThanOrEqual(filter.within.start);
      const own = counted(spans, filter);
      const groups = new Map<string, SpanData[]>();
      for (const span of own) {
        const key = `${span.origin.serviceName} ${span.name}`;
        groups.set(key, [...(groups.get(key) ?? []), span]);
      }
      expect(rates.series.map((one) => `${one.service_name} ${one.operation_name}`).sort()).toEqual(
        [...groups.keys()].sort(),
      );
      const requests = rates.series.map((one) => one.total.requests);
      expect(requests).toEqual(requests.toSorted((a, b) => b - a));
      for (const series of rates.series) {
        const group = groups.get(`${series.service_name} ${series.operation_name}`)!;
        const expected = answerRate(group, rates);
        const { points, total } = series;
        expect(points.requests).toEqual(expected.map((point) => point.requests));
        expect(points.errors).toEqual(expected.map((point) => point.errors));
        expect(points.sum_us).toEqual(expected.map((point) => point.sum_us));
        expect(points.max_us).toEqual(expected.map((point) => point.max_us));
        const { quantiles_us: exact, ...sums } = answerPoint(group, rates.quantiles);
        expect(total).toMatchObject(sums);
        for (const [i, us] of exact.entries())
          expect(Math.abs(total.quantiles_us[i] - us)).toBeLessThanOrEqual(us * 0.0625 + 1);
        for (const [i, share] of points.quantiles_us.entries())
          for (const [j, us] of share.entries())
            expect(Math.abs(us - expected[j].quantiles_us[i])).toBeLessThanOrEqual(
              expected[j].quantiles_us[i] * 0.0625 + 1,
            );
      }
    });
  });

  it('draws the heatmap that the oracle draws', async () => {
    await holds(fc.tuple(filters, fc.constantFrom('ok', 'error')), async (ask, _store, spans, [filter, status]) => {
      const map = await ask<HeatmapJson>('/heatmap', parameters(filter, { status }));
      const own = counted(spans, filter).filter((span) => (span.status === 2) === (status === 'error'));
      expect(map.counts).toEqual(answerHeatmap(own, map));
      expect(map.counts.flat().reduce((sum, count) => sum + count, 0)).toBe(own.length);
    });
  });

  it('says how many series are beyond the limit', async () => {
    const store = await open();
    await store.write(
      ['a', 'b', 'c'].flatMap((name, i) =>
        Array.from({ length: i + 1 }, () => makeSpan({ name, resource: name, startUnixUs: EPOCH_US })),
      ),
    );
    const handler = createQueryHandler({ store });
    const response = await handler(
      new Request(`http://localhost/_api/rates?start=${EPOCH_US}&end=${EPOCH_US + 1}&by=operation&limit=2`),
    );
    const rates = (await response.json()) as RatesJson;
    expect([rates.series.map((series) => series.operation_name), rates.omitted]).toEqual([['c', 'b'], 1]);
  });
}

function describeEdges(holds: Holds): void {
  it('finds the calls between services that the oracle finds', async () => {
    await holds(ranges, async (ask, _store, spans, within) => {
      const called = inMinutes(spans, within.start, Math.ceil(within.end / 60e6) * 60e6);
      expect(await ask<EdgesJson>('/edges', range(within))).toEqual({ edges: answerEdges(spans, called) });
    });
  });
}
