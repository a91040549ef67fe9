import type {
  ClaimedSpans,
  GapRow,
  KeepLog,
  KeepPage,
  KeepRow,
  KeepRowReason,
  NodeBeat,
  NodeDeath,
  NodeView,
  ParkedSpans,
  TrafficLog,
  TrafficRow,
} from '@forge/sampling';
import { storageError, StorageCode } from '@forge/storage';
import { attempt, Database } from '../database.ts';
import type { ClientLike } from '../wire/address.ts';
import type { Connection } from '../wire/connection.ts';
import { countsItself } from '../rates/self-counting.ts';
import * as statements from './statements.ts';

export interface PostgresKeepLogOptions {
  /** `postgres://user:password@host:port/database`, with libpq's TLS parameters. This or `sql`. */
  readonly url?: string;
  /** A postgres.js client of the application's own, not closed. This or `url`. */
  readonly sql?: ClientLike;
  /** The schema of Forge's tables. `public` by default. */
  readonly schema?: string;
  /** How long keeps, gaps and traffic are kept; as long as the spans. Forever by default. */
  readonly retentionMs?: number;
  /** This process's, a UUID: whose traffic is whose. */
  readonly nodeId: string;
}

/** The keep log and the counts of all traffic, in the same PostgreSQL as the spans. */
export interface PostgresKeepLog extends KeepLog, TrafficLog {}

/** Every so many claims look at all that is parked, not just at what was kept of late. */
const WIDE_CLAIM_EVERY = 15;
/** A statement that takes longer is given up and sent again: keeps are small. */
const STATEMENT_TIMEOUT_MS = 10_000;
/** Where not even the server's own time limit is heard of: the connections are left behind, and new ones made. */
const ANSWER_TIMEOUT_MS = 12_000;

/** Opens nothing until the first call. The tables are those of `PostgresStore.migrate`. */
export function createPostgresKeepLog(options: PostgresKeepLogOptions): PostgresKeepLog {
  return new KeepLogOnPostgres(options);
}

class KeepLogOnPostgres implements PostgresKeepLog {
  readonly #options: PostgresKeepLogOptions;
  #database: Database;
  #claims = 0;

  constructor(options: PostgresKeepLogOptions) {
    this.#options = options;
    this.#database = this.#open();
    // Its spans are not to be counted again when they are stored.
    countsItself(options.nodeId);
  }

  #open(): Database {
    const { url, sql, schema } = this.#options;
    return new Database({
      url,
      sql,
      schema: schema ?? 'public',
      // One connection a role: what is asked comes a few times a second.
      maxConnections: 3,
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    });
  }

  async append(rows: readonly KeepRow[]): Promise<void> {
    await this.#write('writing kept traces', statements.APPEND, [
      rows.map(({ traceId }) => traceId),
      rows.map(({ reason }) => reason),
      rows.map(({ nodeId }) => nodeId),
      rows.map(({ weight }) => weight),
    ]);
  }

  async poll(cursor: string | undefined): Promise<KeepPage> {
    const [text, values] =
      cursor === undefined ? [statements.POLL_FIRST, []] : [statements.POLL, snapshotParameters(cursor)];
    const rows = await this.#read<{ snapshot: string; trace_id: string | null; reason: KeepRowReason }>(
      'polling kept traces',
      text,
      values,
    );
    return {
      rows: rows.flatMap(({ trace_id, reason }) => (trace_id === null ? [] : [{ traceId: trace_id, reason }])),
      cursor: rows[0].snapshot,
    };
  }

  async heartbeat({ nodeId, serviceName, triggersPerSecond }: NodeBeat): Promise<NodeView[]> {
    await this.#write('sending a heartbeat', statements.BEAT, [nodeId, serviceName.slice(0, 100), triggersPerSecond]);
    const rows = await this.#read<{
      node_id: string;
      service_name: string;
      triggers_per_second: number;
      silent_ms: number;
    }>('reading heartbeats', statements.NODES, []);
    return rows.map((row) => ({
      nodeId: row.node_id,
      serviceName: row.service_name,
      triggersPerSecond: row.triggers_per_second,
      silentMs: row.silent_ms,
    }));
  }

  async leave(nodeId: string): Promise<void> {
    await this.#write('leaving', statements.LEAVE, [nodeId]);
  }

  async gap(rows: readonly GapRow[]): Promise<void> {
    await this.#write('writing gaps', statements.GAP, [
      rows.map(({ traceId }) => traceId),
      rows.map(({ nodeId }) => nodeId),
      rows.map(({ reason }) => reason),
    ]);
  }

  async bury({ nodeId, silentMs, heldMs }: NodeDeath): Promise<void> {
    await this.#write("writing a node's death", statements.BURY, [nodeId, silentMs, heldMs]);
  }

  async park(rows: readonly ParkedSpans[]): Promise<void> {
    await this.#write('parking spans', statements.PARK, [
      rows.map(({ traceId }) => traceId),
      rows.map(({ nodeId }) => nodeId),
      rows.map(({ spans }) => `\\x${Buffer.from(spans).toString('hex')}`),
    ]);
  }

  async claimParked(limit: number): Promise<ClaimedSpans[]> {
    const wide = ++this.#claims % WIDE_CLAIM_EVERY === 0;
    const rows = await this.#write<{ id: string; trace_id: string; node_id: string; spans: Uint8Array }>(
      'promoting parked spans',
      wide ? statements.CLAIM_ALL : statements.CLAIM_RECENT,
      [limit],
    );
    return rows.map((row) => ({
      id: String(row.id),
      traceId: row.trace_id,
      nodeId: row.node_id,
      spans: row.spans,
    }));
  }

  async settleParked(ids: readonly string[]): Promise<void> {
    await this.#write('settling parked spans', statements.SETTLE, [[...ids]]);
  }

  async expireParked(olderThanMs: number): Promise<void> {
    await this.#write('expiring parked spans', statements.EXPIRE_PARKED, [olderThanMs]);
    const { retentionMs } = this.#options;
    if (retentionMs === undefined) return;
    for (const statement of [statements.EXPIRE_KEEPS, statements.EXPIRE_GAPS, statements.EXPIRE_TRAFFIC])
      await this.#write('expiring kept traces', statement, [retentionMs]);
  }

  async write(rows: readonly TrafficRow[]): Promise<void> {
    const json = rows.map((row) => ({
      minute: row.minuteUnixMs,
      service: clean(row.serviceName),
      name: clean(row.name),
      resource: clean(row.resource),
      kind: row.kind,
      status: row.status,
      part: row.part,
      count: row.count,
      sum_us: Math.round(row.sumUs),
      max_us: Math.round(row.maxUs),
      histogram: Buffer.from(row.histogram).toString('hex'),
    }));
    await this.#write('writing counts of traffic', statements.TRAFFIC, [JSON.stringify(json), this.#options.nodeId]);
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  #write<T extends object>(doing: string, statement: string, values: readonly unknown[]): Promise<T[]> {
    const database = this.#database;
    return this.#answered(doing, database, () =>
      database.writer((sql) => run<T>(sql, database.text(statement), values)),
    );
  }

  #read<T extends object>(doing: string, statement: string, values: readonly unknown[]): Promise<T[]> {
    const database = this.#database;
    return this.#answered(doing, database, () =>
      database.reader((sql) => run<T>(sql, database.text(statement), values)),
    );
  }

  /** A network that swallows packets answers nothing at all, for as long as TCP has patience: a quarter of an hour. */
  async #answered<T>(doing: string, database: Database, ask: () => Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        if (this.#database === database && this.#options.sql === undefined) {
          this.#database = this.#open();
          void database.close().catch(() => undefined);
        }
        reject(
          storageError(StorageCode.timeout, `${doing}: no answer within ${ANSWER_TIMEOUT_MS} ms`, { retryable: true }),
        );
      }, ANSWER_TIMEOUT_MS);
      timer.unref();
    });
    try {
      return await Promise.race([attempt(doing, ask), late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

async function run<T extends object>(sql: Connection, text: string, values: readonly unknown[]): Promise<T[]> {
  // Array parameters as PostgreSQL's own literals: the statements name their types.
  const literals = values.map((value) => (Array.isArray(value) ? arrayLiteral(value) : value));
  return [...(await sql.query<T>(text, literals as string[], { prepare: true }))];
}

/** `{"a","b"}`. */
function arrayLiteral(values: readonly unknown[]): string {
  return `{${values.map((value) => (typeof value === 'number' ? String(value) : `"${String(value).replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`)).join(',')}}`;
}

/** `xmin:xmax:xip,xip` as the parameters of the poll after it: its xmax, and who was running. */
function snapshotParameters(snapshot: string): [string, string[]] {
  const [, xmax = '0', running = ''] = snapshot.split(':');
  return [xmax, running === '' ? [] : running.split(',')];
}

/** What PostgreSQL's text cannot hold. */
function clean(text: string): string {
  return text.replaceAll('\0', '\uFFFD').replace(/\p{Surrogate}/gu, '\uFFFD');
}
