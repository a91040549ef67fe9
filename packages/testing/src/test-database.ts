import { createHash, randomBytes } from 'node:crypto';
import postgres, { type Sql } from 'postgres';
import { acquireTestServer, type TestServer } from './test-server.ts';

export interface TestDatabaseOptions {
  /** Fills the template that this database is cloned from; runs once a test run for each `key`. Must close its connections. */
  readonly prepare?: (url: string) => Promise<void>;
  /** Tells templates apart. Default: the text of `prepare`. */
  readonly key?: string;
  /** The name of an existing database to clone instead; nobody may be connected to it. */
  readonly template?: string;
}

export interface TestDatabase {
  /** A superuser's on the embedded server; else the user of `FORGE_TEST_DATABASE_URL`. */
  readonly url: string;
  readonly name: string;
  /** Drops the database, cutting connections that are still open. */
  drop(): Promise<void>;
}

/** A database of one's own, empty or cloned from a template. Takes about 50 ms. */
export async function createTestDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const { url, prefix } = await testServer();
  const name = `${prefix}_${randomBytes(5).toString('hex')}`;
  await withServer(url, async (sql) => {
    const template = options.template ?? (options.prepare && (await preparedTemplate(sql, url, prefix, options)));
    await sql.unsafe(`CREATE DATABASE "${name}" TEMPLATE "${template ?? 'template0'}"`);
  });
  return {
    url: urlOf(url, name),
    name,
    drop: () =>
      withServer(url, async (sql) => void (await sql.unsafe(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`))),
  };
}

let running: Promise<{ url: string; prefix: string }> | undefined;

/** One lease a process on the server of this run, held until the process ends. */
function testServer(): Promise<{ url: string; prefix: string }> {
  running ??= (async () => {
    const { inject } = await import('vitest');
    const server = inject('forgeTestServer') as TestServer | undefined;
    if (server === undefined) {
      throw new Error(
        "createTestDatabase needs a server: add a globalSetup file with `export { setupTestServer as default } from '@forge/testing/postgres'` to the vitest configuration",
      );
    }
    return { prefix: server.prefix, url: server.url ?? (await acquireTestServer(server.dataDir!)).url };
  })();
  return running;
}

async function preparedTemplate(sql: Sql, url: string, prefix: string, options: TestDatabaseOptions): Promise<string> {
  const { prepare, key = String(prepare) } = options;
  const hash = createHash('sha256').update(key).digest();
  const name = `${prefix}_template_${hash.toString('hex', 0, 8)}`;
  const lock = hash.readBigInt64BE(0).toString();
  // Test files run at once: one prepares, the others wait for it.
  await sql`SELECT pg_advisory_lock(${lock}::bigint)`;
  try {
    const [found] = await sql<
      { datistemplate: boolean }[]
    >`SELECT datistemplate FROM pg_database WHERE datname = ${name}`;
    if (found?.datistemplate) return name;
    // Not marked as a template: whoever prepared it failed half-way.
    await sql.unsafe(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`);
    await sql.unsafe(`CREATE DATABASE "${name}" TEMPLATE template0`);
    await prepare?.(urlOf(url, name));
    await sql.unsafe(`ALTER DATABASE "${name}" IS_TEMPLATE true`);
    return name;
  } finally {
    await sql`SELECT pg_advisory_unlock(${lock}::bigint)`;
  }
}

async function withServer(url: string, run: (sql: Sql) => Promise<void>): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    await run(sql);
  } finally {
    await sql.end();
  }
}

function urlOf(serverUrl: string, database: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${database}`;
  return url.href;
}
