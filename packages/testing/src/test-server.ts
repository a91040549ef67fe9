import { acquireEmbeddedPostgres, type EmbeddedPostgres } from '@forge/embedded-postgres';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, rmSync, watch } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';

/** What the run tells its test files: a server's URL, or the folder of an embedded one that the first to need it starts. */
export interface TestServer {
  /** Begins the names of all databases of this run. */
  readonly prefix: string;
  readonly url?: string;
  readonly dataDir?: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    forgeTestServer: TestServer;
  }
}

/**
 * For a `globalSetup` of vitest: `export default setupTestServer`.
 * Uses the PostgreSQL of `FORGE_TEST_DATABASE_URL` (its user must be allowed to create databases), else an embedded one
 * without fsync in a temporary folder, which starts only if a test asks for a database.
 * @returns the teardown: all databases of the run are gone after it
 */
export function setupTestServer(run: {
  provide(key: 'forgeTestServer', value: TestServer): void;
}): () => Promise<void> {
  const prefix = `forge_test_${randomBytes(4).toString('hex')}`;
  const url = process.env.FORGE_TEST_DATABASE_URL;
  if (url) {
    run.provide('forgeTestServer', { prefix, url });
    return () => dropAll(url, prefix);
  }
  removeOfKilledRuns();
  const dataDir = mkdtempSync(join(tmpdir(), `${FOLDER}${process.pid}-`));
  chmodSync(dataDir, 0o700);
  // The test files come and go; once one has started the server, the run keeps it.
  let held: Promise<EmbeddedPostgres> | undefined;
  const watcher = watch(dataDir, () => {
    held ??= acquireTestServer(dataDir);
    held.catch(() => undefined); // The test file that started it reports the reason.
  });
  run.provide('forgeTestServer', { prefix, dataDir });
  return async () => {
    watcher.close();
    const server = await held?.catch(() => undefined);
    await server?.release({ awaitStop: true });
    rmSync(dataDir, { recursive: true, force: true, maxRetries: 10 });
  };
}

/** Followed by the process id of the run. */
const FOLDER = 'forge-test-postgres-';

/** A killed run's server has ended by itself; its folder has not. */
function removeOfKilledRuns(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = name.startsWith(FOLDER) ? Number(/^\d+/.exec(name.slice(FOLDER.length))?.[0]) : Number.NaN;
    if (!(pid > 0)) continue;
    try {
      process.kill(pid, 0);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') continue; // It lives, and is another user's.
      try {
        rmSync(join(tmpdir(), name), { recursive: true, force: true });
      } catch {
        // Another user's, or another run removes it at the same time.
      }
    }
  }
}

/** Joins the run's embedded server, or starts it. */
export function acquireTestServer(dataDir: string): Promise<EmbeddedPostgres> {
  const binDir = process.env.FORGE_TEST_POSTGRES_BIN_DIR;
  return acquireEmbeddedPostgres({ dataDir, database: 'postgres', durable: false, ...(binDir ? { binDir } : {}) });
}

async function dropAll(url: string, prefix: string): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    for (const { datname } of await sql<{ datname: string }[]>`
      SELECT datname FROM pg_database WHERE starts_with(datname, ${prefix})`) {
      await sql`ALTER DATABASE ${sql(datname)} IS_TEMPLATE false`;
      await sql`DROP DATABASE IF EXISTS ${sql(datname)} WITH (FORCE)`;
    }
  } finally {
    await sql.end();
  }
}
