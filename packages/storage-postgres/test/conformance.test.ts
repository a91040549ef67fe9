import { describeTraceStore } from '@forge/storage/conformance';
import { createTestDatabase } from '@forge/testing/postgres';
import { createPostgresStore } from '../src/index.ts';

describeTraceStore('the PostgreSQL store', async () => {
  const database = await createTestDatabase();
  const store = createPostgresStore({ url: database.url });
  await store.migrate();
  return {
    ...store,
    async close() {
      await store.close();
      await database.drop();
    },
  };
});
