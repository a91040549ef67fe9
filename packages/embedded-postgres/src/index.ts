/**
 * A real PostgreSQL for an application that has none: started by the first process that asks for it, shared by all that do,
 * gone with the last, however each of them ends.
 *
 * @example
 * const db = await acquireEmbeddedPostgres({ onProgress: console.log });
 * const sql = postgres(db.url);
 * // ...
 * await db.release();
 *
 * @module
 */
export { acquireEmbeddedPostgres, type EmbeddedPostgres, type EmbeddedPostgresOptions } from './acquire.ts';
export { defaultDataDir } from './data-dir.ts';
export { EmbeddedPostgresErrors } from './errors.ts';
export type { PostgresSettings } from './settings.ts';
