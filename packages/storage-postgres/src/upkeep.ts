import type { Diagnostics } from '@forge/core';
import type { Database } from './database.ts';
import { quoteIdentifier } from './identifiers.ts';
import { lockKey } from './lock-key.ts';
import { PARENTS, type Partition, type Partitions } from './partitions/partitions.ts';
import { DAY_US, HOUR_US } from './partitions/ranges.ts';

export interface UpkeepOptions {
  readonly partition: 'hour' | 'day' | 'auto';
  readonly diagnostics: Diagnostics;
  readonly onProgress: (message: string) => void;
}

const EVERY_MS = 60_000;

/** Makes partitions ahead of time and drops those past their retention, every minute, on one node at a time. */
export class Upkeep {
  readonly #database: Database;
  readonly #options: UpkeepOptions;
  #partitions!: Partitions;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #usualWidth: 'hour' | 'day';

  constructor(database: Database, options: UpkeepOptions) {
    this.#database = database;
    this.#options = options;
    this.#usualWidth = options.partition === 'hour' ? 'hour' : 'day';
  }

  set partitions(partitions: Partitions) {
    this.#partitions = partitions;
  }

  /** How wide partitions around now are to be. */
  get usualWidth(): 'hour' | 'day' {
    return this.#usualWidth;
  }

  start(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setInterval(() => {
      this.run().catch((error: unknown) => {
        this.#options.diagnostics.warnOnce(
          'storage-upkeep',
          `upkeep of the trace tables failed: ${(error as Error).message}`,
        );
      });
    }, EVERY_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  run(): Promise<void> {
    this.#running ??= this.#run().finally(() => (this.#running = undefined));
    return this.#running;
  }

  /** This and the next three partitions. */
  async makeAhead(): Promise<void> {
    const nowUs = Date.now() * 1000;
    const step = this.#usualWidth === 'hour' ? HOUR_US : DAY_US;
    await this.#partitions.ensure([0, 1, 2, 3].map((ahead) => nowUs + ahead * step));
  }

  async #run(): Promise<void> {
    await this.makeAhead();
    await this.#partitions.refresh();
    const expired = this.#partitions.expired();
    for (const partition of expired) await this.#drop(partition);
    if (expired.length > 0) await this.#partitions.refresh();
  }

  /**
   * DETACH CONCURRENTLY, then DROP: readers and writers of the other partitions never wait. Only one node does it; the
   * lock is the session's, since detaching concurrently cannot run inside a transaction.
   */
  async #drop(partition: Partition): Promise<void> {
    const schema = quoteIdentifier(this.#database.schema);
    await this.#database.keeper(async (session) => {
      const key = lockKey(this.#database.schema, 'upkeep');
      const [lock] = await session.query('SELECT pg_try_advisory_lock($1::text::bigint) AS taken', [key]);
      if (lock?.['taken'] !== true) return;
      try {
        // Summaries first: what is searched is always there.
        for (const parent of [...PARENTS].reverse()) {
          const name = partition.tables.get(parent)!;
          const table = `${schema}.${quoteIdentifier(name)}`;
          await session.query(`ALTER TABLE ${schema}.${parent} DETACH PARTITION ${table} CONCURRENTLY`);
          await session.query(`DROP TABLE ${table}`);
          await session.query(`DELETE FROM ${schema}.forge_partitions WHERE name = $1`, [name]);
          this.#options.onProgress(`dropped partition ${name}`);
        }
      } finally {
        await session.query('SELECT pg_advisory_unlock($1::text::bigint)', [key]);
      }
    });
  }
}
