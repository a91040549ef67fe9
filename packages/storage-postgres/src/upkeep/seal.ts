import type { Database } from '../database.ts';
import { quoteIdentifier } from '../identifiers.ts';
import type { Parent, Partition } from '../partitions/partitions.ts';
import type { Connection } from '../wire/connection.ts';

/** After this, hardly anything comes for a partition any more. What does is stored as ever, a little slower. */
const SETTLED_US = 10 * 60_000_000;

/** What a partition gets once its time is over: built at once these indexes cost a quarter of what they do row by row. */
const INDEXES: Readonly<Record<Parent, readonly { readonly name: string; readonly on: string }[]>> = {
  forge_traces: [{ name: 'tags', on: 'USING gin (tags jsonb_path_ops)' }],
  forge_trace_summaries: [
    { name: 'facts', on: 'USING gin (facts)' },
    { name: 'spans', on: '(span_count, trace_id)' },
    { name: 'errors', on: '(error_count, trace_id) WHERE error_count > 0' },
    { name: 'longest', on: '(longest_span_us)' },
  ],
};

export interface SealOptions {
  /** Whether tags of spans are indexed, for people's own SQL: searches do not need it. */
  readonly indexTags: boolean;
  readonly onProgress: (message: string) => void;
}

/** Seals the partitions whose time is over: frozen, analyzed, the key without the gaps of its growth, indexed. */
export async function sealPartitions(
  database: Database,
  connection: Connection,
  partitions: readonly Partition[],
  options: SealOptions,
): Promise<void> {
  const schema = quoteIdentifier(database.schema);
  const open = await connection.query<{ name: string }>(
    database.text(`SELECT name FROM :"schema".forge_partitions WHERE sealed_at IS NULL`),
  );
  const unsealed = new Set(open.map((row) => row.name));
  const settledUs = Date.now() * 1000 - SETTLED_US;
  for (const partition of partitions) {
    if (partition.upperUs > settledUs) continue;
    for (const [parent, name] of partition.tables) {
      if (!unsealed.has(name)) continue;
      const table = `${schema}.${quoteIdentifier(name)}`;
      await dropInvalidIndexes(database, connection, name);
      for (const index of INDEXES[parent]) {
        if (parent === 'forge_traces' && !options.indexTags) continue;
        const indexName = quoteIdentifier(`${name}_${index.name}`);
        await connection.run(`CREATE INDEX CONCURRENTLY IF NOT EXISTS ${indexName} ON ${table} ${index.on}`);
      }
      await connection.run(
        `REINDEX INDEX CONCURRENTLY ${schema}.${quoteIdentifier(await keyOf(database, connection, name))}`,
      );
      await connection.run(`VACUUM (FREEZE, ANALYZE) ${table}`);
      await connection.query(
        database.text(`UPDATE :"schema".forge_partitions SET sealed_at = now() WHERE name = $1::text`),
        [name],
      );
      options.onProgress(`sealed partition ${name}`);
    }
  }
}

/** What a sealing left that was broken off. */
async function dropInvalidIndexes(database: Database, connection: Connection, table: string): Promise<void> {
  const rows = await connection.query<{ name: string }>(INVALID, [database.schema, table]);
  for (const { name } of rows) {
    await connection.run(
      `DROP INDEX CONCURRENTLY IF EXISTS ${quoteIdentifier(database.schema)}.${quoteIdentifier(name)}`,
    );
  }
}

async function keyOf(database: Database, connection: Connection, table: string): Promise<string> {
  const [key] = await connection.query<{ name: string }>(KEY, [database.schema, table]);
  return key.name;
}

const INDEX_OF = `
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
JOIN pg_class AS t ON t.oid = i.indrelid
JOIN pg_namespace AS n ON n.oid = t.relnamespace
WHERE n.nspname = $1::text AND t.relname = $2::text`;
const INVALID = `SELECT c.relname AS name ${INDEX_OF} AND NOT i.indisvalid`;
const KEY = `SELECT c.relname AS name ${INDEX_OF} AND i.indisprimary`;
