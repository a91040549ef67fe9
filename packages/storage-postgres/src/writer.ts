import { setImmediate as nextTurn } from 'node:timers/promises';
import type { SpanData } from '@forge/core';
import type { WriteResult } from '@forge/storage';
import type { Database } from './database.ts';
import type { Alterations } from './encode/json.ts';
import { RowBuffer } from './encode/row-buffer.ts';
import { encodeSpan, SPAN_COLUMNS } from './encode/span-row.ts';
import { clampUnixUs } from './encode/time.ts';
import { sqlCode } from './errors.ts';
import type { Origins } from './origins.ts';
import type { Partitions } from './partitions/partitions.ts';
import type { Homes } from './summary/homes.ts';
import { mergeDeltas } from './summary/summary-writer.ts';
import type { Connection } from './wire/connection.ts';
import { addToDeltas, type TraceDelta } from './summary/trace-delta.ts';

/** Spans encoded between two turns of the event loop: some 3 ms. */
const TURN_SPANS = 1000;
const KEPT_BUFFER_BYTES = 8 * 1024 * 1024;

export interface WriterParts {
  readonly database: Database;
  readonly partitions: Partitions;
  readonly origins: Origins;
  readonly homes: Homes;
  readonly counts: Alterations;
}

/**
 * Stores batches: spans by COPY BINARY straight into the table, then their traces' summaries, in one transaction.
 * A batch that meets spans which are already there (23505) goes again through a temporary table and
 * ON CONFLICT DO NOTHING, and only what was new counts in the summaries: slower, and only then.
 */
export class SpanWriter {
  readonly #parts: WriterParts;
  /** Buffers not in use; as many as batches were ever under way at once. */
  readonly #buffers: RowBuffer[] = [];

  constructor(parts: WriterParts) {
    this.#parts = parts;
  }

  async write(batch: readonly SpanData[], signal: AbortSignal | undefined): Promise<WriteResult> {
    const { origins, partitions } = this.#parts;
    const fresh = batch.filter((span) => !partitions.isExpired(clampUnixUs(span.startUnixUs)));
    const expired = batch.length - fresh.length;
    if (fresh.length === 0) return { stored: 0, duplicates: 0, expired };
    await origins.ensure(fresh);
    await partitions.ensure(fresh.map((span) => clampUnixUs(span.startUnixUs)));
    let stored: number;
    try {
      stored = await this.#store(fresh, signal);
    } catch (error) {
      if (!isPartitionMissing(error)) throw error;
      // Another node dropped it since: look again, and make it again.
      await partitions.refresh();
      await partitions.ensure(fresh.map((span) => clampUnixUs(span.startUnixUs)));
      stored = await this.#store(fresh, signal);
    }
    return { stored, duplicates: fresh.length - stored, expired };
  }

  async #store(batch: readonly SpanData[], signal: AbortSignal | undefined): Promise<number> {
    const { database, homes, partitions } = this.#parts;
    const deltas = await deltasOf(batch);
    const homeOf = await homes.of(deltas);
    await partitions.ensure(homeOf.values());
    const rows = this.#buffers.pop() ?? new RowBuffer();
    try {
      try {
        await database.transaction(async (tx) => {
          await this.#send(tx, database.text(COPY), batch, rows, signal);
          await mergeDeltas(tx, database, deltas.values(), homeOf, rows);
        });
        return batch.length;
      } catch (error) {
        if (sqlCode(error) !== UNIQUE_VIOLATION) throw error;
      }
      return await database.transaction((tx) => this.#storeNew(tx, batch, homeOf, rows, signal));
    } finally {
      rows.shrink(KEPT_BUFFER_BYTES);
      this.#buffers.push(rows);
    }
  }

  async #storeNew(
    tx: Connection,
    batch: readonly SpanData[],
    homes: ReadonlyMap<string, number>,
    rows: RowBuffer,
    signal: AbortSignal | undefined,
  ): Promise<number> {
    const { database } = this.#parts;
    await tx.query(database.text(CREATE_STAGING));
    await this.#send(tx, COPY_STAGING, batch, rows, signal);
    const inserted = await tx.query<InsertedRow>(database.text(INSERT_NEW));
    await tx.query(DROP_STAGING);
    const left = new Set(inserted.map((row) => `${row.trace_id} ${row.span_id} ${row.start_us}`));
    // A span that is twice in the batch was inserted once.
    const isNew = batch.filter((span) =>
      left.delete(`${span.traceId} ${span.spanId} ${clampUnixUs(span.startUnixUs)}`),
    );
    await mergeDeltas(tx, database, (await deltasOf(isNew)).values(), homes, rows);
    return isNew.length;
  }

  /** Encodes and sends the rows, some at a time, so that the event loop and the server both go on meanwhile. */
  async #send(
    tx: Connection,
    statement: string,
    batch: readonly SpanData[],
    rows: RowBuffer,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { origins, counts } = this.#parts;
    const copy = tx.copyIn(statement, signal);
    rows.start();
    for (let i = 0; i < batch.length; i++) {
      const span = batch[i];
      encodeSpan(rows, span, origins.entryOf(span.origin, span.scope).bytes, counts);
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

async function deltasOf(batch: readonly SpanData[]): Promise<Map<string, TraceDelta>> {
  const deltas = new Map<string, TraceDelta>();
  for (let i = 0; i < batch.length; i++) {
    addToDeltas(deltas, batch[i]);
    if ((i + 1) % TURN_SPANS === 0) await nextTurn();
  }
  return deltas;
}

const UNIQUE_VIOLATION = '23505';

function isPartitionMissing(error: unknown): boolean {
  return sqlCode(error) === '23514' && error instanceof Error && error.message.includes('no partition of relation');
}

interface InsertedRow {
  readonly trace_id: string;
  readonly span_id: string;
  readonly start_us: string;
}

const COPY = `COPY :"schema".forge_traces (${SPAN_COLUMNS}) FROM STDIN (FORMAT binary)`;
const CREATE_STAGING = `CREATE TEMPORARY TABLE forge_staging (LIKE :"schema".forge_traces) ON COMMIT DROP`;
const COPY_STAGING = `COPY pg_temp.forge_staging (${SPAN_COLUMNS}) FROM STDIN (FORMAT binary)`;
const INSERT_NEW = `
INSERT INTO :"schema".forge_traces (${SPAN_COLUMNS})
SELECT ${SPAN_COLUMNS} FROM pg_temp.forge_staging
ON CONFLICT DO NOTHING
RETURNING trace_id, span_id, (extract(epoch FROM start_time) * 1000000)::bigint::text AS start_us`;
const DROP_STAGING = `DROP TABLE pg_temp.forge_staging`;
