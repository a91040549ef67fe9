import type { Connection } from './connection.ts';
import { PostgresError } from './postgres-error.ts';

export interface PoolOptions {
  readonly open: () => Promise<Connection>;
  readonly max: number;
  /** How long a connection waits for work before it is closed. */
  readonly idleMs: number;
  /** How long a caller waits for a connection. */
  readonly waitMs: number;
}

interface Waiting {
  readonly resolve: (connection: Connection) => void;
  readonly reject: (error: unknown) => void;
  readonly timer: NodeJS.Timeout;
}

/** At most `max` connections, opened as they are needed, one user each at a time. Idle ones do not keep the process alive. */
export class Pool {
  readonly #options: PoolOptions;
  readonly #idle: { readonly connection: Connection; readonly timer: NodeJS.Timeout }[] = [];
  readonly #inUse = new Set<Connection>();
  readonly #waiting: Waiting[] = [];
  #size = 0;
  #ended = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Runs `fn` on a connection of its own. One that breaks meanwhile, or is left within a transaction, is not used again. */
  async with<T>(fn: (connection: Connection) => Promise<T>): Promise<T> {
    const connection = await this.#acquire();
    this.#inUse.add(connection);
    try {
      return await fn(connection);
    } finally {
      this.#inUse.delete(connection);
      this.#release(connection);
    }
  }

  /** Closes all connections once their users are done, at the latest after `graceMs`. */
  async end(graceMs: number): Promise<void> {
    this.#ended = true;
    for (const { connection, timer } of this.#idle.splice(0)) {
      clearTimeout(timer);
      connection.close();
    }
    for (const { reject, timer } of this.#waiting.splice(0)) {
      clearTimeout(timer);
      reject(closed());
    }
    if (this.#inUse.size === 0) return;
    await new Promise<void>((resolve) => {
      const late = setTimeout(resolve, graceMs);
      this.#onDrained = () => {
        clearTimeout(late);
        resolve();
      };
    });
    for (const connection of this.#inUse) connection.close();
  }

  #onDrained: (() => void) | undefined;

  async #acquire(): Promise<Connection> {
    if (this.#ended) throw closed();
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      clearTimeout(idle.timer);
      if (idle.connection.broken === undefined) {
        idle.connection.holdProcess(true);
        return idle.connection;
      }
      this.#size--;
    }
    if (this.#size < this.#options.max) return this.#open();
    return new Promise((resolve, reject) => {
      const { waitMs, max } = this.#options;
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        reject(new PostgresError('TIMEOUT', `all ${max} connections were busy for ${waitMs} ms`));
      }, waitMs);
      const waiting: Waiting = { resolve, reject, timer };
      this.#waiting.push(waiting);
    });
  }

  async #open(): Promise<Connection> {
    this.#size++;
    try {
      return await this.#options.open();
    } catch (error) {
      this.#size--;
      this.#openForNext();
      throw error;
    }
  }

  #release(connection: Connection): void {
    if (this.#inUse.size === 0) this.#onDrained?.();
    if (this.#ended || connection.broken !== undefined || connection.inTransaction) {
      connection.close();
      this.#size--;
      this.#openForNext();
      return;
    }
    const next = this.#waiting.shift();
    if (next !== undefined) {
      clearTimeout(next.timer);
      next.resolve(connection);
      return;
    }
    const timer = setTimeout(() => {
      this.#idle.splice(
        this.#idle.findIndex((idle) => idle.connection === connection),
        1,
      );
      this.#size--;
      connection.close();
    }, this.#options.idleMs);
    timer.unref();
    connection.holdProcess(false);
    this.#idle.push({ connection, timer });
  }

  /** A place became free without a connection: the next one in line gets a new one. */
  #openForNext(): void {
    const next = this.#waiting.shift();
    if (next === undefined) return;
    clearTimeout(next.timer);
    this.#open().then(next.resolve, next.reject);
  }
}

function closed(): PostgresError {
  return new PostgresError('CONNECTION_ENDED', 'the store was closed');
}
