import type { ApiConfig } from '@forge/config';
import { acquireEmbeddedPostgres } from '@forge/embedded-postgres';
import type { TraceStore } from '@forge/storage';
import { createPostgresStore, type MigrationReport } from '@forge/storage-postgres';
import type { StoreRequest } from './command-host.ts';
import { loadRequested } from './requested-config.ts';

/** The store that the configuration names. */
export interface OpenStore {
  readonly store: TraceStore;
  /** Where the database is, for people: never its password. */
  readonly database: string;
  readonly settings: ServeSettings;
  readonly migrate: () => Promise<MigrationReport>;
  /** Resolves when the tables are there: those of an embedded server are made, others must have been migrated. */
  readonly prepare: () => Promise<void>;
  /** Closes the store, and lets go of the embedded server where that was used. */
  readonly close: () => Promise<void>;
}

/** What of the configuration a server goes by. */
export interface ServeSettings {
  readonly api: ApiConfig;
  /** How long spans are kept, in words; undefined for ever. */
  readonly retention: string | undefined;
}

/** Opens the database of forge.toml or DATABASE_URL; where neither names one, the embedded one of the project. */
export async function openConfiguredStore(request: StoreRequest): Promise<OpenStore> {
  const { storage, api } = loadRequested(request).config;
  const embedded =
    storage.url === undefined ? await acquireEmbeddedPostgres({ onProgress: request.onProgress }) : undefined;
  const url = storage.url ?? embedded!.url;
  const store = createPostgresStore({
    url,
    schema: storage.schema,
    partition: storage.partition,
    maxConnections: storage.maxConnections,
  });
  return {
    store,
    database: embedded === undefined ? placeOf(url) : `the embedded PostgreSQL in ${embedded.dataDir}`,
    settings: {
      api,
      retention: storage.retentionMs === undefined ? undefined : daysText(storage.retentionMs),
    },
    migrate: () => store.migrate(),
    async prepare() {
      if (embedded !== undefined) await store.migrate();
      else await store.services({ startUnixUs: 0, endUnixUs: 1 });
    },
    async close() {
      await store.close();
      await embedded?.release();
    },
  };
}

/** `db.internal:5432/shop`, without user, password and parameters. */
function placeOf(url: string): string {
  if (!URL.canParse(url)) return 'the configured PostgreSQL';
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}

function daysText(ms: number): string {
  const hours = Math.round(ms / 3_600_000);
  return hours % 24 === 0 ? `${hours / 24} days` : `${hours} hours`;
}
