/**
 * Spans in PostgreSQL: a partitioned table that anyone may query, written by COPY, searched exactly.
 *
 * @example
 * const store = createPostgresStore({ url: process.env.DATABASE_URL, retention: '7d' });
 * await store.migrate();
 * await store.write(spans);
 * const { traces } = await store.search({ status: 'error', sort: 'newest', limit: 50 });
 *
 * @module
 */
export {
  createPostgresKeepLog,
  type PostgresKeepLog,
  type PostgresKeepLogOptions,
} from './keep-log/postgres-keep-log.ts';
export type { MigrationReport } from './migrations.ts';
export { createPostgresStore, type PostgresStore, type PostgresStoreOptions } from './store.ts';
