// vitest's globalSetup: one throw-away PostgreSQL a run, for `createTestDatabase`.
export { setupTestServer as default } from '@forge/testing/postgres';
