/**
 * What may be said of a SQL statement in a trace: its verb, its table, and its text without any literal.
 * Made for PostgreSQL's syntax; statements of other databases come through where they share it.
 *
 * @example
 * describeSql("select * from users where email = 'ann@example.com' -- ann");
 * // { operation: 'SELECT', table: 'users', query: 'select * from users where email = ? ',
 * //   summary: 'select users', resource: 'SELECT users' }
 *
 * @module
 */
export { createSqlDescriber, describeSql, type SqlDescriberOptions } from './sql-describe.ts';
export type { SqlDescription } from './sql-summary.ts';
export { sqlErrorCode } from './sql-error.ts';
export { sqlComment, takesSqlComment } from './sql-comment.ts';
