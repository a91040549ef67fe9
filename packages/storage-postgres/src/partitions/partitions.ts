import type { Database } from '../database.ts';
import { quoteIdentifier, quoteLiteral } from '../identifiers.ts';
import { lockKey } from '../lock-key.ts';
import type { Connection } from '../wire/connection.ts';
import { alignedRange, boundText, findRange, fitRange, rangeName, widthFor, type Range } from './ranges.ts';

export interface Partition extends Range {
  /** The tables of this range, by their partitioned ones, without the schema. */
  readonly tables: ReadonlyMap<Parent, string>;
}

/** The partitioned tables; each range has one partition of each. */
export const PARENTS = ['forge_traces', 'forge_trace_summaries'] as const;
export type Parent = (typeof PARENTS)[number];

export interface PartitionsOptions {
  /** How wide partitions around now are to be. */
  readonly usualWidth: () => 'hour' | 'day';
  /** How long spans are kept; forever where undefined. */
  readonly retentionUs: number | undefined;
}

/**
 * The partitions as far as this process knows, and the making of those that are missing.
 *
 * Any node makes any partition, whenever a batch or the upkeep needs it. CREATE LIKE + ATTACH lock the parent so that
 * readers and writers go on (CREATE ... PARTITION OF would wait for every reader and make all others wait behind it).
 * There is no DEFAULT partition: attaching would have to lock and scan it.
 */
export class Partitions {
  readonly #database: Database;
  readonly #options: PartitionsOptions;
  #known: readonly Partition[] = [];

  constructor(database: Database, options: PartitionsOptions) {
    this.#database = database;
    this.#options = options;
  }

  /** Sorted by range. */
  get known(): readonly Partition[] {
    return this.#known;
  }

  /** Whether nothing ever expires. */
  get keepsForever(): boolean {
    return this.#options.retentionUs === undefined;
  }

  /** Whether what happened at `unixUs` lies, or would lie, in a partition that is past its retention as a whole. */
  isExpired(unixUs: number): boolean {
    const { retentionUs } = this.#options;
    if (retentionUs === undefined) return false;
    const nowUs = Date.now() * 1000;
    if (unixUs >= nowUs - retentionUs) return false;
    const range = findRange(this.#known, unixUs) ?? this.#rangeFor(unixUs, nowUs);
    return range.upperUs <= nowUs - retentionUs;
  }

  /** Those that are past their retention, oldest first. */
  expired(): readonly Partition[] {
    return this.#known.filter((partition) => this.isExpired(partition.lowerUs));
  }

  /** Makes sure that each of these times, in Unix microseconds, has its partition. */
  async ensure(times: Iterable<number>): Promise<void> {
    let missing = this.#missing(times);
    if (missing.length === 0) return;
    await this.refresh();
    missing = this.#missing(missing);
    if (missing.length === 0) return;
    await this.#database.transaction((tx) => this.#create(tx, missing));
    await this.refresh();
  }

  /** Reads the catalog again. */
  async refresh(): Promise<readonly Partition[]> {
    const tables = await this.#database.writer((sql) => this.#list(sql));
    this.#known = whole(tables);
    return this.#known;
  }

  #missing(times: Iterable<number>): number[] {
    const missing: number[] = [];
    let last: Range | undefined;
    for (const time of times) {
      if (last !== undefined && last.lowerUs <= time && time < last.upperUs) continue;
      last = findRange(this.#known, time);
      if (last === undefined) missing.push(time);
    }
    return missing;
  }

  #rangeFor(unixUs: number, nowUs: number): Range {
    return alignedRange(unixUs, widthFor(unixUs, nowUs, this.#options.usualWidth()));
  }

  async #list(sql: Connection): Promise<Table[]> {
    const rows = await sql.query<TableRow>(LIST, [this.#database.schema, `{${PARENTS.join(',')}}`], {
      prepare: true,
    });
    return rows
      .map((row) => ({
        parent: row.parent as Parent,
        name: row.name,
        lowerUs: Number(row.lower_us),
        upperUs: Number(row.upper_us),
      }))
      .sort((a, b) => a.lowerUs - b.lowerUs);
  }

  /** One creator at a time, by an advisory lock: under it the catalog is read again, so nobody makes what is there. */
  async #create(tx: Connection, times: readonly number[]): Promise<void> {
    const { schema } = this.#database;
    await tx.query('SELECT pg_advisory_xact_lock($1::text::bigint)', [lockKey(schema, 'partitions')]);
    const tables = await this.#list(tx);
    const nowUs = Date.now() * 1000;
    for (const time of [...new Set(times)].sort((a, b) => a - b)) {
      const holding = tables.find((table) => table.lowerUs <= time && time < table.upperUs);
      // Where one of the tables has a partition for it, the others get the same.
      let range: Range | undefined = holding ?? fitRange(this.#rangeFor(time, nowUs), time, tables);
      for (const parent of PARENTS) {
        const own = tables.filter((table) => table.parent === parent);
        if (range === undefined || findRange(own, time) !== undefined) continue;
        range = fitRange(range, time, own);
        if (range === undefined) continue;
        const name = await createPartition(tx, schema, parent, range);
        tables.push({ parent, name, lowerUs: range.lowerUs, upperUs: range.upperUs });
        tables.sort((a, b) => a.lowerUs - b.lowerUs);
      }
    }
  }
}

interface Table extends Range {
  readonly parent: Parent;
  readonly name: string;
}

/** The ranges of which all tables are there. */
function whole(tables: readonly Table[]): Partition[] {
  const [first, ...others] = PARENTS.map((parent) => tables.filter((table) => table.parent === parent));
  const partitions: Partition[] = [];
  for (const table of first ?? []) {
    const same = others.map((own) => findRange(own, table.lowerUs));
    if (same.some((other) => other === undefined || other.upperUs < table.upperUs)) continue;
    const names = [table, ...same].map((one) => [one!.parent, one!.name] as const);
    partitions.push({ lowerUs: table.lowerUs, upperUs: table.upperUs, tables: new Map(names) });
  }
  return partitions;
}

async function createPartition(tx: Connection, schema: string, parent: Parent, range: Range): Promise<string> {
  const name = `${parent}_${rangeName(range)}`;
  const table = `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
  const all = `${quoteIdentifier(schema)}.${quoteIdentifier(parent)}`;
  const lower = quoteLiteral(boundText(range.lowerUs));
  const upper = quoteLiteral(boundText(range.upperUs));
  // Spans never change; summaries do, in place where the page has room.
  const storage = parent === 'forge_traces' ? '' : 'WITH (fillfactor = 85)';
  // Not attached, yet there: its dropper died between detaching and dropping.
  await tx.query(`DROP TABLE IF EXISTS ${table}`);
  await tx.query(`CREATE TABLE ${table} (LIKE ${all} INCLUDING DEFAULTS INCLUDING CONSTRAINTS) ${storage}`);
  await tx.query(`ALTER TABLE ${all} ATTACH PARTITION ${table} FOR VALUES FROM (${lower}) TO (${upper})`);
  await tx.query(
    `INSERT INTO ${quoteIdentifier(schema)}.forge_partitions (name, lower_bound, upper_bound)
     VALUES ($1, $2::text::timestamptz, $3::text::timestamptz)
     ON CONFLICT (name) DO UPDATE SET lower_bound = excluded.lower_bound, upper_bound = excluded.upper_bound, sealed_at = NULL`,
    [name, boundText(range.lowerUs), boundText(range.upperUs)],
  );
  return name;
}

interface TableRow {
  readonly parent: string;
  readonly name: string;
  readonly lower_us: string;
  readonly upper_us: string;
}

// The catalog has bounds as text, written by the session's own DateStyle and time zone, and read back by them here.
const LIST = `
SELECT parent.relname AS parent, child.relname AS name,
  (extract(epoch FROM (regexp_match(bound.text, 'FROM \\(''([^'']+)''\\)'))[1]::timestamptz) * 1000000)::bigint::text AS lower_us,
  (extract(epoch FROM (regexp_match(bound.text, 'TO \\(''([^'']+)''\\)'))[1]::timestamptz) * 1000000)::bigint::text AS upper_us
FROM pg_namespace AS space
JOIN pg_class AS parent ON parent.relnamespace = space.oid AND parent.relname = ANY ($2::text::text[])
JOIN pg_inherits AS part ON part.inhparent = parent.oid AND NOT part.inhdetachpending
JOIN pg_class AS child ON child.oid = part.inhrelid
CROSS JOIN LATERAL (SELECT pg_get_expr(child.relpartbound, child.oid) AS text) AS bound
WHERE space.nspname = $1 AND parent.relkind = 'p' AND bound.text LIKE 'FOR VALUES FROM (''%'') TO (''%'')'`;
