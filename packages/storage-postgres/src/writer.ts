import { randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { SpanData } from '@forge/core';
import type { WriteResult } from '@forge/storage';
import type { Database } from './database.ts';
import type { Alterations } from './encode/json.ts';
import { RowBuffer } from './encode/row-buffer.ts';
import { encodeSpan, SPAN_COLUMNS } from './encode/span-row.ts';
import { clampUnixUs } from './encode/time.ts';
import { sqlCode } from './errors.ts';
import { TRAFFIC } from './keep-log/statements.ts';
import type { NameNotes } from './names/name-notes.ts';
import type { Origins } from './origins.ts';
import type { Partitions } from './partitions/partitions.ts';
import type { SelfCounting } from './rates/self-counting.ts';
import { SpanCounts } from './rates/span-counts.ts';
import type { Homes } from './summary/homes.ts';
import { mergeDeltas, prepareSession } from './summary/summary-writer.ts';
import type { Connection } from './wire/connection.ts';
import { inOrder } from './wire/in-order.ts';
import { transaction } from './wire/transaction.ts';
import { addToDeltas, type TraceDelta } from './summary/trace-delta.ts';

/** Spans encoded between two turns of the event loop: some 3 ms. */
const TURN_SPANS = 1000;
const MINUTE_US = 60_000_000;
const KEPT_BUFFER_BYTES = 8 * 1024 * 1024;

export interface WriterParts {
  readonly database: Database;
  readonly partitions: Partitions;
  readonly origins: Origins;
  readonly homes: Homes;
  readonly names: NameNotes;
  readonly selfCounting: SelfCounting;
  readonly counts: Alterations;
}

/** What one transaction at a time uses: there are as many as batches were ever under way at once. */
interface Slot {
  /** Names this slot's rows where writers must not wait for each other. */
  readonly id: string;
  readonly rows: RowBuffer;
  readonly traffic: SpanCounts;
}

/**
 * Stores batches: spans by COPY BINARY straight into the table, then their traces' summaries, in one transaction.
 * A batch that meets spans which are already there (23505) goes again through a temporary table and
 * ON CONFLICT DO NOTHING, and only what was new counts in the summaries: slower, and only then.
 */
export class SpanWriter {
  readonly #parts: WriterParts;
  readonly #slots: Slot[] = [];

  constructor(parts: WriterParts) {
    this.#parts = parts;
  }

  async write(batch: readonly SpanData[], signal: AbortSignal | undefined): Promise<WriteResult> {
    const { origins, names, partitions, selfCounting } = this.#parts;
    const fresh = partitions.keepsForever
      ? batch
      : batch.filter((span) => !partitions.isExpired(clampUnixUs(span.startUnixUs)));
    const expired = batch.length - fresh.length;
    if (fresh.length === 0) return { stored: 0, duplicates: 0, expired };
    await origins.ensure(fresh);
    await names.ensure(fresh);
    await selfCounting.learn(fresh);
    await partitions.ensure(startsOf(fresh));
    let stored: number;
    try {
      stored = await this.#store(fresh, signal);
    } catch (error) {
      if (!isPartitionMissing(error)) throw error;
      // Another node dropped it since: look again, and make it again.
      await partitions.refresh();
      await partitions.ensure(startsOf(fresh));
      stored = await this.#store(fresh, signal);
    }
    return { stored, duplicates: fresh.length - stored, expired };
  }

  async #store(batch: readonly SpanData[], signal: AbortSignal | undefined): Promise<number> {
    const { homes, partitions } = this.#parts;
    const deltas = await deltasOf(batch);
    const homeOf = await homes.of(deltas);
    await partitions.ensure(homeOf.values());
    const slot = this.#slots.pop() ?? { id: randomUUID(), rows: new RowBuffer(), traffic: new SpanCounts() };
    try {
      try {
        await this.#transaction(slot, async (tx) => {
          const sent = [await this.#send(tx, COPY, batch, slot, signal)];
          sent.push(...this.#count(tx, batch, slot));
          const merged = mergeDeltas(tx, this.#parts.database, deltas.values(), homeOf, slot.rows, slot.id);
          await inOrder([...sent.map((one) => one.done), merged]);
        });
        return batch.length;
      } catch (error) {
        if (sqlCode(error) !== UNIQUE_VIOLATION) throw error;
      }
      return await this.#transaction(slot, (tx) => this.#storeNew(tx, batch, homeOf, slot, signal));
    } finally {
      slot.rows.shrink(KEPT_BUFFER_BYTES);
      this.#slots.push(slot);
    }
  }

  /** A transaction whose counts of traffic are kept, dropped or given up with it. */
  async #transaction<T>(slot: Slot, fn: (tx: Connection) => Promise<T>): Promise<T> {
    return this.#parts.database.writer(async (connection) => {
      await prepareSession(connection);
      try {
        const result = await transaction(connection, () => fn(connection));
        slot.traffic.commit();
        return result;
      } catch (error) {
        if (connection.broken === undefined) slot.traffic.discard();
        else slot.traffic.abandon();
        throw error;
      }
    });
  }

  async #storeNew(
    tx: Connection,
    batch: readonly SpanData[],
    homes: ReadonlyMap<string, number>,
    slot: Slot,
    signal: AbortSignal | undefined,
  ): Promise<number> {
    const { database } = this.#parts;
    await tx.query(database.text(CREATE_STAGING));
    const copied = await this.#send(tx, COPY_STAGING, batch, slot, signal);
    await copied.done;
    const inserted = await tx.query<InsertedRow>(database.text(INSERT_NEW));
    await tx.query(DROP_STAGING);
    const left = new Set(inserted.map((row) => `${row.trace_id} ${row.span_id} ${row.start_us}`));
    // A span that is twice in the batch was inserted once.
    const isNew = batch.filter((span) =>
      left.delete(`${span.traceId} ${span.spanId} ${clampUnixUs(span.startUnixUs)}`),
    );
    const counted = this.#count(tx, isNew, slot);
    const merged = mergeDeltas(tx, database, (await deltasOf(isNew)).values(), homes, slot.rows, slot.id);
    await inOrder([...counted.map((one) => one.done), merged]);
    return isNew.length;
  }

  /** Encodes and sends the rows, some at a time, so that the event loop and the server both go on meanwhile. */
  async #send(
    tx: Connection,
    statement: string,
    batch: readonly SpanData[],
    { rows }: Slot,
    signal: AbortSignal | undefined,
  ): Promise<Sent> {
    const { database, origins, counts } = this.#parts;
    const copy = tx.copyIn(database.text(statement), signal);
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
    return sent(copy.end());
  }

  /** Notes the minutes of new spans, and counts those that nobody else counts. */
  #count(tx: Connection, spans: readonly SpanData[], slot: Slot): Sent[] {
    const { database, selfCounting } = this.#parts;
    const minutes = new Set<number>();
    for (const start of startsOf(spans)) minutes.add(Math.floor(start / MINUTE_US) * 60);
    if (minutes.size === 0) return [];
    const touched = `{${[...minutes].sort((a, b) => a - b).join(',')}}`;
    const statements = [sent(tx.query(database.text(TOUCH), [touched, slot.id], { prepare: true }))];
    const staged = slot.traffic.stage(spans, (nodeId) => selfCounting.has(nodeId));
    if (staged !== undefined) {
      statements.push(sent(tx.query(database.text(TRAFFIC), [staged.json, staged.sourceId], { prepare: true })));
    }
    return statements;
  }
}

/** A statement on its way, in an object: an async function would wait for a bare promise. */
interface Sent {
  readonly done: Promise<unknown>;
}

function sent(done: Promise<unknown>): Sent {
  done.catch(() => undefined);
  return { done };
}

function* startsOf(spans: readonly SpanData[]): Generator<number> {
  for (const span of spans) yield clampUnixUs(span.startUnixUs);
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
// Kept in one order, and by each slot for itself: see forge_touched_minutes.
const TOUCH = `
INSERT INTO :"schema".forge_touched_minutes (what, minute, writer)
SELECT 'spans', to_timestamp(second), $2::text::uuid FROM unnest($1::text::double precision[]) AS second
ON CONFLICT (what, minute, writer) DO UPDATE SET minute = excluded.minute`;
