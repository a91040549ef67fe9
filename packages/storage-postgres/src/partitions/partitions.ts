import type { SpanData } from '@forge/core';
import type { Sql, TransactionSql } from 'postgres';
import type { Database } from '../database.ts';
import { clampUnixUs } from '../encode/time.ts';
import { quoteIdentifier, quoteLiteral } from '../identifiers.ts';
import { lockKey } from '../lock-key.ts';
import { alignedRange, boundText, findRange, fitRange, rangeName, widthFor, type Range } from './ranges.ts';

export interface Partition extends Range {
  /** The table's name, without its schema. */
  readonly name: string;
}

/** The partitioned tables; each range has one partition of each. */
const PARENTS = ['forge_traces'] as const;

/**
 * The partitions as far as this process knows, and the making of those that are missing.
 *
 * Any node makes any partition, whenever a batch or the upkeep needs it. CREATE LIKE + ATTACH lock the parent so that
 * readers and writers go on (CREATE ... PARTITION OF would wait for every reader and make all others wait behind it).
 */
export class Partitions {
  readonly #database: Database;
  readonly #usualWidth: () => 'hour' | 'day';
  #known: readonly Partition[] = [];

  constructor(database: Database, usualWidth: () => 'hour' | 'day') {
    this.#database = database;
    this.#usualWidth = usualWidth;
  }

  /** Sorted by range. */
  get known(): readonly Partition[] {
    return this.#known;
  }

  /** Forgets what it knows: after another node dropped some. */
  forget(): void {
    this.#known = [];
  }

  /** Makes sure that each span of the batch has its partition. */
  async ensureFor(batch: readonly SpanData[]): Promise<void> {
    let last: Range | undefined;
    const missing: number[] = [];
    for (const span of batch) {
      const startUs = clampUnixUs(span.startUnixUs);
      if (last !== undefined && last.lowerUs <= startUs && startUs < last.upperUs) continue;
      last = findRange(this.#known, startUs);
      if (last === undefined) missing.push(startUs);
    }
    if (missing.length > 0) await this.ensure(missing);
  }

  /** Makes sure that each of these times, in Unix microseconds, has its partition. */
  async ensure(times: readonly number[]): Promise<void> {
    await this.refresh();
    if (times.every((time) => findRange(this.#known, time) !== undefined)) return;
    await this.#database.writer((sql) => sql.begin((tx) => this.#create(tx as unknown as Sql, times)));
    await this.refresh();
  }

  /** Reads the catalog again. */
  async refresh(): Promise<readonly Partition[]> {
    this.#known = await this.#database.writer((sql) => this.#list(sql));
    return this.#known;
  }

  async #list(sql: Sql | TransactionSql): Promise<Partition[]> {
    const rows = await sql.unsafe<PartitionRow[]>(LIST, [this.#database.schema], { prepare: true });
    return rows
      .map((row) => ({ name: row.name, lowerUs: Number(row.lower_us), upperUs: Number(row.upper_us) }))
      .sort((a, b) => a.lowerUs - b.lowerUs);
  }

  /** One creator at a time, by an advisory lock: under it the catalog is read again, so nobody makes what is there. */
  async #create(tx: Sql, times: readonly number[]): Promise<void> {
    const { schema } = this.#database;
    await tx.unsafe('SELECT pg_advisory_xact_lock($1::text::bigint)', [lockKey(schema, 'partitions')]);
    const ranges: Range[] = await this.#list(tx);
    const nowUs = Date.now() * 1000;
    for (const time of [...new Set(times)].sort((a, b) => a - b)) {
      const wanted = alignedRange(time, widthFor(time, nowUs, this.#usualWidth()));
      const range = fitRange(wanted, time, ranges);
      if (range === undefined) continue;
      for (const parent of PARENTS) await createPartition(tx, schema, parent, range);
      ranges.push(range);
    }
  }
}

async function createPartition(tx: Sql, schema: string, parent: string, range: Range): Promise<void> {
  const name = `${parent}_${rangeName(range)}`;
  const table = `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
  const whole = `${quoteIdentifier(schema)}.${quoteIdentifier(parent)}`;
  const lower = quoteLiteral(boundText(range.lowerUs));
  const upper = quoteLiteral(boundText(range.upperUs));
  // Not attached, yet there: its dropper died between detaching and dropping.
  await tx.unsafe(`DROP TABLE IF EXISTS ${table}`);
  await tx.unsafe(`CREATE TABLE ${table} (LIKE ${whole} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)`);
  await tx.unsafe(`ALTER TABLE ${whole} ATTACH PARTITION ${table} FOR VALUES FROM (${lower}) TO (${upper})`);
  await tx.unsafe(
    `INSERT INTO ${quoteIdentifier(schema)}.forge_partitions (name, lower_bound, upper_bound)
     VALUES ($1, $2::text::timestamptz, $3::text::timestamptz)
     ON CONFLICT (name) DO UPDATE SET lower_bound = excluded.lower_bound, upper_bound = excluded.upper_bound, sealed_at = NULL`,
    [name, boundText(range.lowerUs), boundText(range.upperUs)],
  );
}

interface PartitionRow {
  readonly name: string;
  readonly lower_us: string;
  readonly upper_us: string;
}

// The catalog has bounds as text, written by the session's own DateStyle and time zone, and read back by them here.
const LIST = `
SELECT child.relname AS name,
  (extract(epoch FROM (regexp_match(bound.text, 'FROM \\(''([^'']+)''\\)'))[1]::timestamptz) * 1000000)::bigint::text AS lower_us,
  (extract(epoch FROM (regexp_match(bound.text, 'TO \\(''([^'']+)''\\)'))[1]::timestamptz) * 1000000)::bigint::text AS upper_us
FROM pg_namespace AS space
JOIN pg_class AS parent ON parent.relnamespace = space.oid AND parent.relname = 'forge_traces'
JOIN pg_inherits AS part ON part.inhparent = parent.oid AND NOT part.inhdetachpending
JOIN pg_class AS child ON child.oid = part.inhrelid
CROSS JOIN LATERAL (SELECT pg_get_expr(child.relpartbound, child.oid) AS text) AS bound
WHERE space.nspname = $1 AND bound.text LIKE 'FOR VALUES FROM (''%'') TO (''%'')'`;
