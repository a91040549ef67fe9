import { activeContext, runInContext, withoutTracing } from '@forge/core';
import { storageError, StorageCode } from '@forge/storage';
import { toStorageError } from './errors.ts';
import { inSchema } from './identifiers.ts';
import { addressOf, parseAddress, type Address, type ClientLike } from './wire/address.ts';
import { Connection } from './wire/connection.ts';
import { Pool } from './wire/pool.ts';
import { transaction } from './wire/transaction.ts';

export interface DatabaseOptions {
  readonly url: string | undefined;
  /** A postgres.js client whose address and credentials are taken over. */
  readonly sql: ClientLike | undefined;
  readonly schema: string;
  readonly maxConnections: number;
  readonly statementTimeoutMs: number;
}

type Role = 'writer' | 'reader' | 'keeper';

const IDLE_MS = 60_000;
const CLOSE_GRACE_MS = 5000;

/**
 * The connections of one store: some for writing, some for reading, one for upkeep that may take long. Each pool opens
 * its first connection at its first use, outside any span.
 */
export class Database {
  readonly schema: string;
  readonly #options: DatabaseOptions;
  readonly #address: Address;
  readonly #context = withoutTracing(activeContext);
  readonly #pools = new Map<Role, Pool>();
  readonly #texts = new Map<string, string>();
  #closed = false;

  constructor(options: DatabaseOptions) {
    if ((options.url === undefined) === (options.sql === undefined)) {
      throw storageError(StorageCode.optionInvalid, 'url: give either a url, or a postgres.js client as sql');
    }
    this.#options = options;
    this.schema = options.schema;
    this.#address = options.url === undefined ? addressOf(options.sql!) : parseAddress(options.url);
  }

  /** A statement with the schema's name put in. */
  text(statement: string): string {
    let text = this.#texts.get(statement);
    if (text === undefined) {
      text = inSchema(statement, this.schema);
      // Statements with conditions of a query are many; those that come again are few.
      if (this.#texts.size < 500) this.#texts.set(statement, text);
    }
    return text;
  }

  writer<T>(fn: (connection: Connection) => Promise<T>): Promise<T> {
    return this.#run('writer', fn);
  }

  reader<T>(fn: (connection: Connection) => Promise<T>): Promise<T> {
    return this.#run('reader', fn);
  }

  /** For upkeep: one connection, without a time limit. */
  keeper<T>(fn: (connection: Connection) => Promise<T>): Promise<T> {
    return this.#run('keeper', fn);
  }

  /** A transaction of a writer. */
  transaction<T>(fn: (connection: Connection) => Promise<T>): Promise<T> {
    return this.writer((connection) => transaction(connection, () => fn(connection)));
  }

  async close(): Promise<void> {
    this.#closed = true;
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    await Promise.all(pools.map((pool) => pool.end(CLOSE_GRACE_MS)));
  }

  /** Runs `fn` untraced, in a context that holds on to no span. */
  silently<T>(fn: () => T): T {
    return runInContext(this.#context, fn);
  }

  async #run<T>(role: Role, fn: (connection: Connection) => Promise<T>): Promise<T> {
    if (this.#closed) throw storageError(StorageCode.closed, 'the store was closed');
    return this.silently(() => this.#pool(role).with(fn));
  }

  #pool(role: Role): Pool {
    let pool = this.#pools.get(role);
    if (pool === undefined) {
      pool = new Pool({
        open: () =>
          Connection.open(this.#address, {
            statementTimeoutMs: this.#timeoutOf(role),
            settings: this.#settingsOf(role),
          }),
        max: this.#maxOf(role),
        idleMs: IDLE_MS,
        waitMs: this.#options.statementTimeoutMs,
      });
      this.#pools.set(role, pool);
    }
    return pool;
  }

  #maxOf(role: Role): number {
    if (role === 'keeper') return 1;
    const rest = this.#options.maxConnections - 1;
    return Math.max(1, role === 'writer' ? Math.ceil(rest / 2) : Math.floor(rest / 2));
  }

  #timeoutOf(role: Role): number {
    return role === 'keeper' ? 0 : this.#options.statementTimeoutMs;
  }

  #settingsOf(role: Role): Record<string, string> {
    const timeoutMs = this.#timeoutOf(role);
    return {
      application_name: 'forge',
      statement_timeout: String(timeoutMs),
      // A write that found a trace's row locked waits for the other writer's commit, not longer than this.
      lock_timeout: role === 'keeper' ? '0' : String(Math.min(10_000, timeoutMs)),
      // Times are compared as numbers; this only makes what people see in the server's log the same everywhere.
      TimeZone: 'UTC',
      DateStyle: 'ISO, MDY',
      extra_float_digits: '3',
      bytea_output: 'hex',
      jit: 'off',
    };
  }
}

/** Rejects with a ForgeError that says what was being done. */
export async function attempt<T>(doing: string, fn: () => Promise<T>): Promise<T> {
  try {
    return await fn();
  } catch (error) {
    throw toStorageError(error, doing);
  }
}
