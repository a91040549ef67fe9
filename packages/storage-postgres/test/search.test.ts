import type { SpanData } from '@forge/core';
import {
  createMemoryStore,
  type TraceQuery,
  type TraceReader,
  type TraceStore,
  type TraceSummary,
} from '@forge/storage';
import { createTestDatabase, type TestDatabase } from '@forge/testing/postgres';
import fc from 'fast-check';
import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPostgresStore, type PostgresStore } from '../src/index.ts';
import { queryArbitrary, spanArbitrary } from './span-arbitrary.ts';

const RUNS = Number(process.env['FORGE_PROPERTY_RUNS'] ?? 25);
const QUERIES = 12;

describe('searching PostgreSQL', () => {
  let database: TestDatabase;
  let sql: Sql;
  const schema = 'Any "name" at all';

  beforeAll(async () => {
    database = await createTestDatabase();
    sql = postgres(database.url, { max: 1, onnotice: () => undefined });
    const store = createPostgresStore({ url: database.url, schema, partition: 'hour' });
    await store.migrate();
    await store.close();
  });
  afterAll(async () => {
    await sql.end();
    await database.drop();
  });

  /** Two nodes on empty tables. */
  async function freshStores(): Promise<PostgresStore[]> {
    for (const table of ['forge_traces', 'forge_trace_summaries', 'forge_trace_homes', 'forge_wide_traces']) {
      await sql`DELETE FROM ${sql(schema)}.${sql(table)}`;
    }
    return [1, 2].map(() => createPostgresStore({ url: database.url, schema, partition: 'hour', maxConnections: 4 }));
  }

  it('answers every query, page by page, as looking at every span does', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(spanArbitrary, { minLength: 1, maxLength: 40 }), { minLength: 1, maxLength: 6 }),
        fc.array(queryArbitrary, { minLength: QUERIES, maxLength: QUERIES }),
        async (batches, queries) => {
          const oracle = createMemoryStore();
          const [one, two] = await freshStores();
          try {
            for (let i = 0; i < batches.length; i += 2) {
              // Two writers at once, as two nodes are; repeats among and within the batches.
              await Promise.all([writeSurely(one, batches[i]), writeSurely(two, batches[i + 1] ?? batches[0])]);
            }
            await settleOracle(oracle, one, batches);
            for (const query of queries)
              expect({ query, found: await pages(one, query) }).toEqual({ query, found: await pages(oracle, query) });
          } finally {
            await one.close();
            await two.close();
          }
        },
      ),
      { numRuns: RUNS, endOnFailure: true },
    );
  });
});

/** A deadlock between batches that hold the same spans in another order is reported as retryable, and retried. */
async function writeSurely(store: TraceStore, batch: readonly SpanData[]): Promise<void> {
  // In one order, as spans of a repeated batch are: others deadlock now and then, which takes a second to find.
  const sorted = [...batch].sort((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1));
  for (;;) {
    try {
      await store.write(sorted);
      return;
    } catch (error) {
      console.log('retry', (error as Error).message);
      if ((error as { retryable?: boolean }).retryable !== true) throw error;
    }
  }
}

/** Two spans with the same ids and start may differ in the rest, and either may have come first: the oracle takes what is stored. */
async function settleOracle(
  oracle: TraceStore,
  store: TraceReader,
  batches: readonly (readonly SpanData[])[],
): Promise<void> {
  const ids = new Set(batches.flat().map((span) => span.traceId));
  for (const id of ids) await oracle.write((await store.trace(id))?.spans ?? []);
  const keys = new Set(batches.flat().map(orderOf));
  const stored = await Promise.all([...ids].map((id) => store.trace(id)));
  expect(
    stored
      .flatMap((trace) => trace?.spans ?? [])
      .map(orderOf)
      .sort(),
  ).toEqual([...keys].sort());
}

function orderOf(span: SpanData): string {
  return `${span.traceId} ${span.spanId} ${span.startUnixUs}`;
}

async function pages(store: TraceReader, query: Omit<TraceQuery, 'cursor'>): Promise<TraceSummary[]> {
  const found: TraceSummary[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.search({ ...query, ...(cursor === undefined ? {} : { cursor }) });
    expect(page.traces.length).toBeLessThanOrEqual(query.limit);
    found.push(...page.traces);
    cursor = page.next;
  } while (cursor !== undefined);
  return found;
}
