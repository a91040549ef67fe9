// Packages above are checked against these sources and must see it too.
// oxlint-disable-next-line typescript/triple-slash-reference
/// <reference path="./sql.d.ts" />
import createForgeTraces from '../migrations/000001_create_forge_traces.sql';
import createForgeTraceSummaries from '../migrations/000002_create_forge_trace_summaries.sql';
import createForgeTraceKeeps from '../migrations/000003_create_forge_trace_keeps.sql';
import createForgeRollups from '../migrations/000004_create_forge_rollups.sql';
import { storageError, StorageCode } from '@forge/storage';
import type { Database } from './database.ts';
import { sqlCode } from './errors.ts';
import { lockKey } from './lock-key.ts';
import type { Connection } from './wire/connection.ts';
import { transaction } from './wire/transaction.ts';

interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
  /** The oldest version of this package's schema whose code still works on the tables after this migration. */
  readonly worksFrom: number;
}

/** In order, forward only. A released one is never changed. */
const MIGRATIONS: readonly Migration[] = [
  { version: 1, name: 'create_forge_traces', sql: createForgeTraces, worksFrom: 1 },
  { version: 2, name: 'create_forge_trace_summaries', sql: createForgeTraceSummaries, worksFrom: 2 },
  { version: 3, name: 'create_forge_trace_keeps', sql: createForgeTraceKeeps, worksFrom: 2 },
  { version: 4, name: 'create_forge_rollups', sql: createForgeRollups, worksFrom: 4 },
];

/** The schema version that this code was written for. */
export const SCHEMA_VERSION = MIGRATIONS.at(-1)!.version;

export interface MigrationReport {
  /** The version before; 0 where there were no tables. */
  readonly from: number;
  readonly to: number;
  /** Names of those that ran now, in order. */
  readonly applied: readonly string[];
}

/** Brings the tables to this version. Safe to run from any number of nodes at once: one does it, the others wait. */
export async function migrate(database: Database): Promise<MigrationReport> {
  return database.keeper((tx) =>
    transaction(tx, async () => {
      await tx.query('SET LOCAL lock_timeout = 0');
      await tx.query('SELECT pg_advisory_xact_lock($1::text::bigint)', [lockKey(database.schema, 'migrations')]);
      await createSchema(tx, database);
      await tx.query(database.text(CREATE_VERSIONS));
      const before = await readVersion(tx, database);
      const from = before?.version ?? 0;
      refuseNewer(before);
      const applied: string[] = [];
      for (const migration of MIGRATIONS) {
        if (migration.version <= from) continue;
        await tx.query(database.text(INSERT_VERSION), [migration.version, migration.name, migration.worksFrom]);
        await tx.run(database.text(migration.sql));
        applied.push(migration.name);
      }
      return { from, to: Math.max(from, SCHEMA_VERSION), applied };
    }),
  );
}

/** Resolves when this code can work on the tables that are there. Rejects with FORGE_STORAGE_SCHEMA_*. */
export async function checkVersion(database: Database): Promise<void> {
  let found: VersionRow | undefined;
  try {
    found = await database.reader((sql) => readVersion(sql, database));
  } catch (error) {
    if (sqlCode(error) !== '42P01' && sqlCode(error) !== '3F000') throw error;
  }
  if (found === undefined) {
    throw storageError(
      StorageCode.schemaMissing,
      `no Forge tables in the schema "${database.schema}" of this database: run "forge migrate", or call migrate(), first`,
      { retryable: true },
    );
  }
  if (found.version < SCHEMA_VERSION) {
    throw storageError(
      StorageCode.schemaOlder,
      `the Forge tables in the schema "${database.schema}" have version ${found.version}, this program needs ${SCHEMA_VERSION}: run "forge migrate", or call migrate(), first`,
      { retryable: true },
    );
  }
  refuseNewer(found);
}

function refuseNewer(found: VersionRow | undefined): void {
  if (found === undefined || found.works_from <= SCHEMA_VERSION) return;
  throw storageError(
    StorageCode.schemaNewer,
    `the Forge tables have version ${found.version}, made by a newer release; this program knows ${SCHEMA_VERSION}: upgrade @forge/storage-postgres`,
    { retryable: true },
  );
}

interface VersionRow {
  readonly version: number;
  readonly works_from: number;
}

async function readVersion(sql: Connection, database: Database): Promise<VersionRow | undefined> {
  const rows = await sql.query<VersionRow>(database.text(SELECT_VERSION));
  return rows[0];
}

/** Only where it is missing: an ordinary role may not be allowed to create schemas, and need not be. */
async function createSchema(tx: Connection, database: Database): Promise<void> {
  const rows = await tx.query('SELECT 1 FROM pg_namespace WHERE nspname = $1', [database.schema]);
  if (rows.length === 0) await tx.query(database.text('CREATE SCHEMA :"schema"'));
}

const CREATE_VERSIONS = `
CREATE TABLE IF NOT EXISTS :"schema".forge_migrations (
    version INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    -- The oldest schema version whose code still works on the tables after this migration.
    works_from INTEGER NOT NULL,
    applied_at TIMESTAMPTZ NOT NULL DEFAULT now()
)`;
const INSERT_VERSION = `INSERT INTO :"schema".forge_migrations (version, name, works_from) VALUES ($1, $2, $3)`;
const SELECT_VERSION = `SELECT version, works_from FROM :"schema".forge_migrations ORDER BY version DESC LIMIT 1`;
