import { acquireEmbeddedPostgres } from '@forge/embedded-postgres';
import type { TraceStore } from '@forge/storage';
import { createPostgresStore, type MigrationReport } from '@forge/storage-postgres';
import type { StoreRequest } from './command-host.ts';

/** The store that the configuration names. */
export interface OpenStore {
  readonly store: TraceStore;
  /** Where the database is, for people: never its password. */
  readonly database: string;
  readonly migrate: () => Promise<MigrationReport>;
  /** Closes the store, and lets go of the embedded server where that was used. */
  readonly close: () => Promise<void>;
}

/** Opens the database of DATABASE_URL, else of forge.toml, else the embedded one of the project. */
export async function openConfiguredStore(request: StoreRequest): Promise<OpenStore> {
  const configuredUrl = request.env['DATABASE_URL'];
  const embedded =
    configuredUrl === undefined ? await acquireEmbeddedPostgres({ onProgress: request.onProgress }) : undefined;
  const url = configuredUrl ?? embedded!.url;
  const store = createPostgresStore({ url, maxConnections: 3 });
  return {
    store,
    database: embedded === undefined ? withoutPassword(url) : `the embedded PostgreSQL in ${embedded.dataDir}`,
    migrate: () => store.migrate(),
    async close() {
      await store.close();
      await embedded?.release();
    },
  };
}

function withoutPassword(url: string): string {
  if (!URL.canParse(url)) return 'the PostgreSQL of DATABASE_URL';
  const parsed = new URL(url);
  parsed.password = '';
  parsed.search = '';
  return parsed.toString();
}
