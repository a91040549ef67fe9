/**
 * Traces node-postgres (`pg`): each query becomes a `db.query` span, with its statement's verb, table and text (without
 * literals), whether it came by a pool, a client, a cursor, a stream or COPY.
 *
 * @example
 * const pool = tracePg(new Pool({ connectionString: url }));
 * await pool.query('select * from users where id = $1', [id]); // db.query SELECT users
 *
 * @module
 */
export type { PgOptions } from './options.ts';
export { pg } from './plugin.ts';
export { tracePg } from './trace-pg.ts';
