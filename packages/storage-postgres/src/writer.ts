import { setImmediate as nextTurn } from 'node:timers/promises';
import type { SpanData } from '@forge/core';
import type { WriteResult } from '@forge/storage';
import type { Sql, TransactionSql } from 'postgres';
import type { Database } from './database.ts';
import { copyIn } from './encode/copy-in.ts';
import type { Alterations } from './encode/json.ts';
import { RowBuffer } from './encode/row-buffer.ts';
import { encodeSpan, SPAN_COLUMNS } from './encode/span-row.ts';
import { sqlCode } from './errors.ts';
import type { Origins } from './origins.ts';
import type { Partitions } from './partitions/partitions.ts';

/** Spans encoded between two turns of the event loop: some 3 ms. */
const TURN_SPANS = 1000;
const KEPT_BUFFER_BYTES = 8 * 1024 * 1024;

/**
 * Stores batches: COPY BINARY straight into the table, in one transaction a batch.
 * A batch that meets spans which are already there (23505) goes again through a temporary table and
 * ON CONFLICT DO NOTHING: slower, and only then.
 */
export class SpanWriter {
  readonly #database: Database;
  readonly #partitions: Partitions;
  readonly #origins: Origins;
  readonly #counts: Alterations;
  /** Buffers not in use; as many as batches were ever under way at once. */
  readonly #buffers: RowBuffer[] = [];

  constructor(parts: { database: Database; partitions: Partitions; origins: Origins; counts: Alterations }) {
    this.#database = parts.database;
    this.#partitions = parts.partitions;
    this.#origins = parts.origins;
    this.#counts = parts.counts;
  }

  async write(batch: readonly SpanData[], signal: AbortSignal | undefined): Promise<WriteResult> {
    if (batch.length === 0) return { stored: 0, duplicates: 0, expired: 0 };
    await this.#origins.ensure(batch);
    await this.#partitions.ensureFor(batch);
    try {
      return await this.#copy(batch, signal);
    } catch (error) {
      if (!isPartitionMissing(error)) throw error;
      // Another node dropped it since: look again, and make it again.
      this.#partitions.forget();
      await this.#partitions.ensureFor(batch);
      return this.#copy(batch, signal);
    }
  }

  async #copy(batch: readonly SpanData[], signal: AbortSignal | undefined): Promise<WriteResult> {
    const rows = this.#buffers.pop() ?? new RowBuffer();
    try {
      try {
        await this.#database.writer((sql) => sql.begin((tx) => this.#copyStraight(tx, batch, rows, signal)));
        return { stored: batch.length, duplicates: 0, expired: 0 };
      } catch (error) {
        if (sqlCode(error) !== UNIQUE_VIOLATION) throw error;
        const stored = await this.#database.writer((sql) => sql.begin((tx) => this.#copyNew(tx, batch, rows, signal)));
        return { stored, duplicates: batch.length - stored, expired: 0 };
      }
    } finally {
      rows.shrink(KEPT_BUFFER_BYTES);
      this.#buffers.push(rows);
    }
  }

  async #copyStraight(
    tx: TransactionSql,
    batch: readonly SpanData[],
    rows: RowBuffer,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    await this.#send(tx, this.#database.text(COPY), batch, rows, signal);
  }

  async #copyNew(
    tx: TransactionSql,
    batch: readonly SpanData[],
    rows: RowBuffer,
    signal: AbortSignal | undefined,
  ): Promise<number> {
    await tx.unsafe(this.#database.text(CREATE_STAGING));
    await this.#send(tx, COPY_STAGING, batch, rows, signal);
    const inserted = await tx.unsafe(this.#database.text(INSERT_NEW));
    await tx.unsafe(DROP_STAGING);
    return inserted.count;
  }

  /** Encodes and sends the rows, some at a time, so that the event loop and the server both go on meanwhile. */
  async #send(
    tx: TransactionSql | Sql,
    statement: string,
    batch: readonly SpanData[],
    rows: RowBuffer,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const copy = await copyIn(tx, statement, signal);
    rows.start();
    for (let i = 0; i < batch.length; i++) {
      const span = batch[i];
      encodeSpan(rows, span, this.#origins.entryOf(span.origin, span.scope).bytes, this.#counts);
      if ((i + 1) % TURN_SPANS !== 0) continue;
      await copy.write(rows.bytes());
      rows.clear();
      await nextTurn();
    }
    rows.end();
    await copy.write(rows.bytes());
    await copy.end();
  }
}

const UNIQUE_VIOLATION = '23505';

function isPartitionMissing(error: unknown): boolean {
  return sqlCode(error) === '23514' && error instanceof Error && error.message.includes('no partition of relation');
}

const COPY = `COPY :"schema".forge_traces (${SPAN_COLUMNS}) FROM STDIN (FORMAT binary)`;
const CREATE_STAGING = `CREATE TEMPORARY TABLE forge_staging (LIKE :"schema".forge_traces) ON COMMIT DROP`;
const COPY_STAGING = `COPY pg_temp.forge_staging (${SPAN_COLUMNS}) FROM STDIN (FORMAT binary)`;
const INSERT_NEW = `INSERT INTO :"schema".forge_traces (${SPAN_COLUMNS}) SELECT ${SPAN_COLUMNS} FROM pg_temp.forge_staging ON CONFLICT DO NOTHING`;
const DROP_STAGING = `DROP TABLE pg_temp.forge_staging`;
