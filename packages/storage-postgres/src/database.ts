import { activeContext, runInContext, withoutTracing } from '@forge/core';
import { storageError, StorageCode } from '@forge/storage';
import type { Sql } from 'postgres';
import { connect } from './connect.ts';
import { breaksConnection, toStorageError } from './errors.ts';
import { inSchema } from './identifiers.ts';

export interface DatabaseOptions {
  readonly url: string | undefined;
  readonly sql: Sql | undefined;
  readonly schema: string;
  readonly maxConnections: number;
  readonly statementTimeoutMs: number;
}

type Role = 'writer' | 'reader' | 'keeper';

/**
 * The connections of one store: some for writing, some for reading, one for upkeep that may take long. Each pool opens
 * at its first use, outside any span, and is replaced after an error that leaves its connections in doubt: postgres.js
 * was seen to hang, or to report a stale error, on the next statement after a backend was killed.
 */
export class Database {
  readonly schema: string;
  readonly #options: DatabaseOptions;
  readonly #context = withoutTracing(activeContext);
  readonly #pools = new Map<Role, Sql>();
  readonly #texts = new Map<string, string>();
  #closed = false;

  constructor(options: DatabaseOptions) {
    this.#options = options;
    this.schema = options.schema;
  }

  /** A statement with the schema's name put in. */
  text(statement: string): string {
    let text = this.#texts.get(statement);
    if (text === undefined) this.#texts.set(statement, (text = inSchema(statement, this.schema)));
    return text;
  }

  writer<T>(fn: (sql: Sql) => Promise<T>): Promise<T> {
    return this.#run('writer', fn);
  }

  reader<T>(fn: (sql: Sql) => Promise<T>): Promise<T> {
    return this.#run('reader', fn);
  }

  /** For upkeep: one connection, without a time limit. */
  keeper<T>(fn: (sql: Sql) => Promise<T>): Promise<T> {
    return this.#run('keeper', fn);
  }

  /** Rejects what is still waiting and replaces the writers: after a batch that did not end in its time. */
  dropWriters(): void {
    this.#discard('writer', this.#pools.get('writer'));
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#options.sql !== undefined) return;
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    await this.silently(() => Promise.all(pools.map((pool) => pool.end({ timeout: 5 }))));
  }

  /** Runs `fn` untraced, in a context that holds on to no span. */
  silently<T>(fn: () => T): T {
    return runInContext(this.#context, fn);
  }

  async #run<T>(role: Role, fn: (sql: Sql) => Promise<T>): Promise<T> {
    if (this.#closed) throw storageError(StorageCode.closed, 'the store was closed');
    const pool = this.#pool(role);
    try {
      return await this.silently(() => fn(pool));
    } catch (error) {
      if (breaksConnection(error)) this.#discard(role, pool);
      throw error;
    }
  }

  #pool(role: Role): Sql {
    const { sql, url, maxConnections, statementTimeoutMs } = this.#options;
    if (sql !== undefined) return sql;
    let pool = this.#pools.get(role);
    if (pool === undefined) {
      const share =
        role === 'keeper'
          ? 1
          : role === 'writer'
            ? Math.ceil((maxConnections - 1) / 2)
            : Math.floor((maxConnections - 1) / 2);
      pool = connect(url!, {
        maxConnections: Math.max(1, share),
        statementTimeoutMs: role === 'keeper' ? 0 : statementTimeoutMs,
      });
      this.#pools.set(role, pool);
    }
    return pool;
  }

  #discard(role: Role, pool: Sql | undefined): void {
    // Another statement of the same pool may have replaced it already.
    if (pool === undefined || this.#pools.get(role) !== pool) return;
    this.#pools.delete(role);
    this.silently(() => void pool.end({ timeout: 1 }).catch(() => undefined));
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
