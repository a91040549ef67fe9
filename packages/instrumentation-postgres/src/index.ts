/**
 * Traces postgres.js: each query becomes a `db.query` span, with its statement's verb, table and text (without literals).
 *
 * @example
 * const sql = tracePostgres(postgres('postgres://localhost/shop'));
 * await sql`select * from users where id = ${id}`; // db.query SELECT users
 *
 * @module
 */
export type { PostgresOptions } from './options.ts';
export { postgres } from './plugin.ts';
export { tracePostgres } from './traced-sql.ts';
