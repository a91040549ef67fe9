import { createMemoryStore, type RateQuery, type RateResult, type TraceStore } from '@forge/storage';
import { createTestDatabase, type TestDatabase } from '@forge/testing/postgres';
import type { SpanData } from '@forge/core';
import fc from 'fast-check';
import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPostgresStore, type PostgresStore } from '../src/index.ts';
import { BASE_US, spanArbitrary } from './span-arbitrary.ts';

const RUNS = Number(process.env['FORGE_PROPERTY_RUNS'] ?? 15);
const HOUR_US = 3_600_000_000;
const TABLES = [
  'forge_traces',
  'forge_trace_summaries',
  'forge_trace_homes',
  'forge_wide_traces',
  'forge_traffic_1m',
  'forge_traffic_15m',
  'forge_traffic_1h',
  'forge_edges_1m',
  'forge_touched_minutes',
];

const timeUs = fc.integer({ min: -2 * HOUR_US, max: 9 * HOUR_US }).map((offset) => BASE_US + offset);
const rangeArbitrary = fc
  .tuple(timeUs, timeUs)
  .map(([a, b]) => ({ startUnixUs: Math.min(a, b), endUnixUs: Math.max(a, b) }));
const rateArbitrary = fc.record({
  range: rangeArbitrary,
  service: fc.option(fc.constantFrom('alpha', 'beta'), { nil: undefined }),
  operation: fc.option(fc.constantFrom('db.query', 'GET /a'), { nil: undefined }),
  kinds: fc.option(fc.constant([1, 4]), { nil: undefined }),
  by: fc.subarray(['service' as const, 'operation' as const, 'resource' as const]),
  stepUs: fc.option(fc.constantFrom(1, 5 * 60e6, 15 * 60e6, 3600e6), { nil: undefined }),
});

describe('sums in PostgreSQL', () => {
  let database: TestDatabase;
  let sql: Sql;

  beforeAll(async () => {
    database = await createTestDatabase();
    sql = postgres(database.url, { max: 1, onnotice: () => undefined });
    const store = createPostgresStore({ url: database.url, partition: 'hour' });
    await store.migrate();
    await store.close();
  });
  afterAll(async () => {
    await sql.end();
    await database.drop();
  });

  it(
    'are those of looking at every span: before the upkeep, after it, and after what came late',
    { timeout: 120_000 },
    async () => {
      const checked = fc.assert(
        fc.asyncProperty(
          fc.uniqueArray(spanArbitrary, {
            minLength: 1,
            maxLength: 60,
            selector: (span) => `${span.traceId} ${span.spanId}`,
          }),
          fc.integer({ min: 0, max: 60 }),
          fc.array(rateArbitrary, { minLength: 4, maxLength: 4 }),
          async (spans, split, queries) => {
            for (const table of TABLES) await sql`DELETE FROM ${sql(table)}`;
            const oracle = createMemoryStore();
            const store = createPostgresStore({
              url: database.url,
              partition: 'hour',
              maxConnections: 4,
              indexTags: false,
            });
            try {
              const parts: SpanData[][] = [spans.slice(0, split), spans.slice(split)];
              for (const part of parts) {
                await Promise.all([store.write(part), oracle.write(part)]);
                await compare(store, oracle, queries);
                await rollUp(store);
                await compare(store, oracle, queries);
              }
            } finally {
              await store.close();
            }
          },
        ),
        { numRuns: RUNS, endOnFailure: true },
      );
      await expect(checked).resolves.toBeUndefined();
    },
  );

  /** What was touched must all be summed up then: the spans are of yesterday. */
  async function rollUp(store: PostgresStore): Promise<void> {
    await store.maintain();
    expect(await sql`SELECT * FROM forge_touched_minutes`).toHaveLength(0);
  }
});

async function compare(
  store: TraceStore,
  oracle: TraceStore,
  queries: readonly (Omit<RateQuery, 'startUnixUs' | 'endUnixUs' | 'limit'> & {
    range: { startUnixUs: number; endUnixUs: number };
  })[],
): Promise<void> {
  for (const { range, ...rest } of queries) {
    const query = { ...range, ...rest, limit: 100 } as RateQuery;
    const found = await store.rates(query);
    const expected = await oracle.rates(query);
    expect({ query, counts: countsOf(found) }).toEqual({ query, counts: countsOf(expected) });
    expectNear(found, expected);
    expect({ query, heat: await store.heatmap(query) }).toEqual({ query, heat: await oracle.heatmap(query) });
    expect({ range, edges: await store.edges(range) }).toEqual({ range, edges: await oracle.edges(range) });
  }
}

function countsOf(result: RateResult): unknown {
  const strip = ({ quantilesUs: _quantiles, ...rest }: RateResult['series'][number]['total']) => rest;
  return {
    ...result,
    series: result.series.map((series) => ({
      ...series,
      total: strip(series.total),
      points: series.points.map(strip),
    })),
  };
}

/** Quantiles are right to a bucket's width: 1/16. */
function expectNear(found: RateResult, expected: RateResult): void {
  found.series.forEach((series, i) => {
    series.total.quantilesUs.forEach((us, q) => {
      const exact = expected.series[i].total.quantilesUs[q];
      expect(us).toBeGreaterThanOrEqual(exact);
      expect(us).toBeLessThanOrEqual(exact * 1.0625);
    });
  });
}
