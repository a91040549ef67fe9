import { ForgeError } from '@forge/core';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DATABASE_USER } from './cluster.ts';
import { defaultDataDir, prepareDataDir, readPassword, type DataDir } from './data-dir.ts';
import { EmbeddedPostgresErrors } from './errors.ts';
import { claimGeneration, isAlive, isStopping, newestGeneration, takeLease, type Lease } from './lease.ts';
import { findPostmaster, type Postmaster } from './postmaster.ts';
import { serverAccount } from './server-account.ts';
import type { PostgresSettings } from './settings.ts';
import { Accident, startServer, type StartOptions } from './start.ts';
import { runStatement, WireError, type WireTarget } from './wire-client.ts';

export interface EmbeddedPostgresOptions {
  /** The folder of the database. Default: `$FORGE_DATA_DIR/postgres`, else `.forge/postgres` in the project's root. */
  readonly dataDir?: string;
  /** Created if it is not there. Default `forge`. */
  readonly database?: string;
  /** Of 127.0.0.1; only for the one who starts the server. Default: the one of the last time, else any free one. */
  readonly port?: number;
  /** `false`: without fsync, for tests and benchmarks; a crash of the machine then loses everything. Default `true`. */
  readonly durable?: boolean;
  /** PostgreSQL's own settings; only for the one who starts the server. */
  readonly settings?: PostgresSettings;
  /** A folder with `initdb` and `postgres` of any version from 14 on. Default: PostgreSQL 18 of the npm package. */
  readonly binDir?: string;
  /** How long to wait for a server that starts or recovers, in milliseconds. Default 60,000. */
  readonly startTimeoutMs?: number;
  /** Lines for people: "creating the database folder ... (once)". */
  readonly onProgress?: (line: string) => void;
}

/** A running server, held until `release` or the end of this process. */
export interface EmbeddedPostgres {
  /** `postgres://forge:<password>@127.0.0.1:<port>/<database>`, a superuser's. A secret. */
  readonly url: string;
  readonly dataDir: string;
  /** The process id of PostgreSQL's main process, when acquired. */
  readonly serverPid: number;
  /**
   * Lets go of the server; it ends about a second after its last client. May be called twice.
   * @param options.awaitStop resolve only when the server is gone; for the last client, else it waits for the others
   */
  release(options?: { awaitStop?: boolean }): Promise<void>;
}

/**
 * Starts the embedded PostgreSQL of a data folder, or joins the one that another process has started.
 * It ends by itself with the last process that holds it, however that ends, SIGKILL included.
 * Holding it does not keep the process alive.
 * @throws ForgeError with a code of `EmbeddedPostgresErrors`
 */
export async function acquireEmbeddedPostgres(options: EmbeddedPostgresOptions = {}): Promise<EmbeddedPostgres> {
  if (process.platform === 'win32') {
    throw new ForgeError(
      EmbeddedPostgresErrors.unsupportedPlatform,
      'there is no embedded PostgreSQL for Windows: set DATABASE_URL to a PostgreSQL 14 or newer',
    );
  }
  const dataDir = resolve(options.dataDir ?? defaultDataDir());
  const account = serverAccount(dataDir);
  const dir = prepareDataDir(dataDir, account);
  const startOptions: StartOptions = {
    account,
    binDir: options.binDir,
    port: options.port,
    durable: options.durable ?? true,
    settings: options.settings ?? {},
    deadlineMs: Date.now() + (options.startTimeoutMs ?? 60_000),
    onProgress: options.onProgress ?? (() => undefined),
  };
  for (;;) {
    const [lease, server] = await joinOrStart(dir, startOptions);
    try {
      const target = {
        port: server.port,
        user: DATABASE_USER,
        password: readPassword(dir, account),
        database: options.database ?? 'forge',
      };
      await ensureDatabase(dir, target, startOptions);
      return {
        url: `postgres://${target.user}:${target.password}@127.0.0.1:${target.port}/${encodeURIComponent(target.database)}`,
        dataDir,
        serverPid: server.pid,
        async release({ awaitStop = false } = {}) {
          lease.close();
          if (!awaitStop) return;
          while (isAlive(dir.run, lease.generation) || findPostmaster(dir.cluster) !== undefined) await sleep(10);
        },
      };
    } catch (error) {
      lease.close();
      if (!isInterruption(error) || Date.now() > startOptions.deadlineMs) throw error;
      await sleep(50);
    }
  }
}

/** Whether the server was killed or restarted under our hands, which a second try mends. */
function isInterruption(error: unknown): boolean {
  if (error instanceof ForgeError) return false;
  // 57P01 to 57P03: shut down by an administrator, after a crash, or not yet up.
  return !(error instanceof WireError) || error.sqlState.startsWith('57P');
}

/** With growing pauses, 4.5 seconds in all. */
const MAX_ACCIDENTS = 10;

async function joinOrStart(dir: DataDir, options: StartOptions): Promise<[Lease, Postmaster]> {
  for (let accidents = 0; ;) {
    const newest = newestGeneration(dir.run);
    const lease = takeLease(dir.run, newest);
    if (lease !== undefined) {
      const server = await untilJoined(dir, lease, options);
      if (server !== undefined) return [lease, server];
      continue;
    }
    if (Date.now() > options.deadlineMs) throw notReady(dir);
    const claim = claimGeneration(dir.run, newest + 1, options.account);
    if (claim === undefined) continue;
    try {
      const server = await startServer(dir, claim, options);
      if (!(server instanceof Accident)) return [claim, server];
      if (++accidents === MAX_ACCIDENTS) throw server.error;
    } catch (error) {
      claim.close();
      throw error;
    }
    claim.close();
    await sleep(100 * accidents);
  }
}

/** `undefined`, with the lease closed, if the server ended instead. */
async function untilJoined(dir: DataDir, lease: Lease, options: StartOptions): Promise<Postmaster | undefined> {
  for (let told = false; ;) {
    if (!isAlive(dir.run, lease.generation)) break;
    if (!isStopping(dir.run, lease.generation)) {
      const server = findPostmaster(dir.cluster);
      if (server?.ready) return server;
      if (!told) options.onProgress('waiting for the PostgreSQL that another process is starting');
      told = true;
    }
    if (Date.now() > options.deadlineMs) {
      lease.close();
      throw notReady(dir);
    }
    await sleep(10);
  }
  lease.close();
  return undefined;
}

function notReady(dir: DataDir): ForgeError {
  return new ForgeError(
    EmbeddedPostgresErrors.timeout,
    `the PostgreSQL in ${dir.path}, which another process started, is not ready yet`,
    { retryable: true },
  );
}

async function ensureDatabase(dir: DataDir, target: WireTarget, options: StartOptions): Promise<void> {
  const maintenance = { ...target, database: 'postgres' };
  const literal = `'${target.database.replaceAll("'", "''")}'`;
  const [row] = await runStatement(
    maintenance,
    `SELECT current_setting('fsync'), EXISTS (SELECT FROM pg_database WHERE datname = ${literal})`,
  );
  if (options.durable && row?.[0] === 'off') {
    throw new ForgeError(
      EmbeddedPostgresErrors.notDurable,
      `the PostgreSQL in ${dir.path} was started with durable: false by another process; pass durable: false too, or use another folder`,
    );
  }
  if (row?.[1] === 't') return;
  try {
    await runStatement(maintenance, `CREATE DATABASE "${target.database.replaceAll('"', '""')}"`);
  } catch (error) {
    // Another client made it at the same moment.
    if (!(error instanceof WireError) || !['42P04', '23505'].includes(error.sqlState)) throw error;
  }
}
