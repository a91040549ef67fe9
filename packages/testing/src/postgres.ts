/**
 * Throw-away databases on a real PostgreSQL: one server a test run, one fresh database a test file.
 *
 * @example
 * const db = await createTestDatabase({ key: 'orders', prepare: (url) => migrate(url) });
 * const sql = postgres(db.url);
 * // ...
 * await db.drop();
 *
 * @module
 */
export { createTestDatabase, type TestDatabase, type TestDatabaseOptions } from './test-database.ts';
export { setupTestServer } from './test-server.ts';
