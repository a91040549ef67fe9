import type { Diagnostics } from '@forge/core';
import type { Database } from '../database.ts';
import { rollEdges } from '../edges/roll-edges.ts';
import { quoteIdentifier } from '../identifiers.ts';
import { lockKey } from '../lock-key.ts';
import { PARENTS, type Partition, type Partitions } from '../partitions/partitions.ts';
import { DAY_US, HOUR_US } from '../partitions/ranges.ts';
import { rollTraffic } from '../rates/roll-traffic.ts';
import type { Connection } from '../wire/connection.ts';
import { forgetOld } from './forget.ts';
import { sealPartitions } from './seal.ts';
import type { UsualWidth } from './usual-width.ts';

export interface UpkeepOptions {
  readonly retentionUs: number | undefined;
  readonly indexTags: boolean;
  readonly diagnostics: Diagnostics;
  readonly onProgress: (message: string) => void;
}

const EVERY_MS = 60_000;
/** BRIN knows nothing of the newest pages until it is told to look: the hot partition is searched the most. */
const SUMMARIZE_EVERY_MS = 5000;

/**
 * What has to be done from time to time, every minute on one node at a time: partitions ahead of time, retention,
 * sealing, sums. Nothing waits for it: without it everything still works, slower.
 */
export class Upkeep {
  readonly #database: Database;
  readonly #partitions: Partitions;
  readonly #width: UsualWidth;
  readonly #options: UpkeepOptions;
  readonly #timers: NodeJS.Timeout[] = [];
  #running: Promise<void> | undefined;
  #wrote = false;

  constructor(database: Database, partitions: Partitions, width: UsualWidth, options: UpkeepOptions) {
    this.#database = database;
    this.#partitions = partitions;
    this.#width = width;
    this.#options = options;
  }

  /** Starts the timers with the first batch, and notes that there is something to summarize. */
  noteWrite(): void {
    this.#wrote = true;
    if (this.#timers.length > 0) return;
    this.#every(EVERY_MS, () => this.run());
    this.#every(SUMMARIZE_EVERY_MS, () => this.#summarize());
  }

  stop(): void {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
  }

  run(): Promise<void> {
    this.#running ??= this.#run().finally(() => (this.#running = undefined));
    return this.#running;
  }

  /** The partition of now and the next three. */
  async makeAhead(): Promise<void> {
    const nowUs = Date.now() * 1000;
    const step = this.#width.current === 'hour' ? HOUR_US : DAY_US;
    await this.#partitions.ensure([0, 1, 2, 3].map((ahead) => nowUs + ahead * step));
  }

  #every(ms: number, task: () => Promise<void>): void {
    const timer = setInterval(() => {
      task().catch((error: unknown) => {
        const text = error instanceof Error ? error.message : String(error);
        this.#options.diagnostics.warnOnce(`storage-upkeep ${text}`, `upkeep of the trace tables failed: ${text}`);
      });
    }, ms);
    timer.unref();
    this.#timers.push(timer);
  }

  async #run(): Promise<void> {
    await this.makeAhead();
    await this.#database.keeper(async (connection) => {
      // The session's lock, not a transaction's: some of the work cannot run inside one.
      const key = lockKey(this.#database.schema, 'upkeep');
      const [lock] = await connection.query<{ taken: boolean }>(
        'SELECT pg_try_advisory_lock($1::text::bigint) AS taken',
        [key],
      );
      if (!lock.taken) return;
      try {
        await this.#work(connection);
      } finally {
        await connection.query('SELECT pg_advisory_unlock($1::text::bigint)', [key]);
      }
    });
  }

  async #work(connection: Connection): Promise<void> {
    const { retentionUs, indexTags, onProgress } = this.#options;
    await this.#partitions.refresh();
    for (const partition of this.#partitions.expired()) await this.#drop(connection, partition);
    await this.#partitions.refresh();
    await rollTraffic(this.#database, connection);
    await rollEdges(this.#database, connection);
    await forgetOld(this.#database, connection, retentionUs);
    await sealPartitions(this.#database, connection, this.#partitions.known, { indexTags, onProgress });
    await this.#width.measure(this.#database, connection);
  }

  /** DETACH CONCURRENTLY, then DROP: readers and writers of the other partitions never wait. */
  async #drop(connection: Connection, partition: Partition): Promise<void> {
    const schema = quoteIdentifier(this.#database.schema);
    // Summaries first: what is found can be read.
    for (const parent of [...PARENTS].reverse()) {
      const name = partition.tables.get(parent)!;
      const table = `${schema}.${quoteIdentifier(name)}`;
      await connection.run(`ALTER TABLE ${schema}.${parent} DETACH PARTITION ${table} CONCURRENTLY`);
      await connection.run(`DROP TABLE ${table}`);
      await connection.query(`DELETE FROM ${schema}.forge_partitions WHERE name = $1::text`, [name]);
      this.#options.onProgress(`dropped partition ${name}`);
    }
  }

  async #summarize(): Promise<void> {
    if (!this.#wrote) return;
    this.#wrote = false;
    await this.#database.writer((connection) => connection.query(SUMMARIZE, [this.#database.schema]));
  }
}

// Of the partitions that are being written to.
const SUMMARIZE = `
SELECT brin_summarize_new_values(i.indexrelid)
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
JOIN pg_am AS am ON am.oid = c.relam AND am.amname = 'brin'
JOIN pg_inherits AS part ON part.inhrelid = i.indrelid
JOIN pg_class AS parent ON parent.oid = part.inhparent AND parent.relname = 'forge_traces'
JOIN pg_namespace AS n ON n.oid = parent.relnamespace AND n.nspname = $1::text
JOIN pg_stat_user_tables AS s ON s.relid = i.indrelid AND s.n_ins_since_vacuum > 0
WHERE i.indisvalid`;
