import { createPostgresStore } from '@forge/storage-postgres';
import { createTestDatabase, type TestDatabase } from '@forge/testing/postgres';
import { afterAll, beforeAll } from 'vitest';
import { describeAnswers } from './describe-answers.ts';

let database: TestDatabase;
let schemas = 0;
beforeAll(async () => void (database = await createTestDatabase()));
afterAll(() => database.drop());

describeAnswers('PostgreSQL', {
  async open() {
    const store = createPostgresStore({ url: database.url, schema: `run_${++schemas}`, maxConnections: 3 });
    await store.migrate();
    return store;
  },
  runs: 5,
  answers: ['searches', 'traces'],
});
