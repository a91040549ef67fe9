import { Diagnostics } from '@forge/core';
import type { TraceStore } from '@forge/storage';
import { attempt, Database } from './database.ts';
import type { Alterations } from './encode/json.ts';
import { checkVersion, migrate, type MigrationReport } from './migrations.ts';
import { readEdges } from './edges/read-edges.ts';
import { NameNotes } from './names/name-notes.ts';
import { readOperations, readServices, readTagKeys, readTagValues } from './names/read-names.ts';
import { Origins } from './origins.ts';
import { Partitions } from './partitions/partitions.ts';
import { readHeatmap } from './rates/read-heatmap.ts';
import { readRates } from './rates/read-rates.ts';
import { SelfCounting } from './rates/self-counting.ts';
import { deleteTrace } from './search/delete-trace.ts';
import { search } from './search/search.ts';
import { Homes } from './summary/homes.ts';
import { readTrace } from './search/trace.ts';
import { parseRetention } from './upkeep/retention.ts';
import { Upkeep } from './upkeep/upkeep.ts';
import { UsualWidth } from './upkeep/usual-width.ts';
import type { ClientLike } from './wire/address.ts';
import { SpanWriter } from './writer.ts';

export interface PostgresStoreOptions {
  /** `postgres://user:password@host:port/database`, with libpq's TLS parameters. This or `sql`. */
  readonly url?: string;
  /** A postgres.js client of the application's own, whose address and credentials are taken over; its connections are not used. This or `url`. */
  readonly sql?: ClientLike;
  /** The schema of Forge's tables, any name; made by `migrate` where it is missing. `public` by default. */
  readonly schema?: string;
  /** How long spans are kept: `7d`, `12h`. Whole partitions are dropped. Forever by default. */
  readonly retention?: string;
  /** How much time a partition spans; `auto`, the default, goes from a day to an hour when the traffic grows. */
  readonly partition?: 'hour' | 'day' | 'auto';
  /** Whether tags are indexed once a partition's time is over, for SQL of your own; searches do not need it. On by default. */
  readonly indexTags?: boolean;
  /** Most connections at once, at least 3: for writing, reading and upkeep. 6 by default. */
  readonly maxConnections?: number;
  /** What the server allows one statement, and the store one batch. 30 s by default. */
  readonly statementTimeoutMs?: number;
  /** Where problems are said and counts are read. */
  readonly diagnostics?: Diagnostics;
  /** What the upkeep does: `dropped partition forge_traces_20260131`. */
  readonly onProgress?: (message: string) => void;
}

export interface PostgresStore extends TraceStore {
  /** Brings the tables to this version and makes the first partitions. Safe from any number of nodes at once. */
  migrate(): Promise<MigrationReport>;
  /** What runs by itself every minute: partitions ahead of time, retention. For commands and tests. */
  maintain(): Promise<void>;
}

/** A trace store on PostgreSQL 14 to 18. Connects at the first call; throws only for options that are wrong. */
export function createPostgresStore(options: PostgresStoreOptions): PostgresStore {
  const diagnostics = options.diagnostics ?? new Diagnostics();
  const database = new Database({
    url: options.url,
    sql: options.sql,
    schema: options.schema ?? 'public',
    maxConnections: options.maxConnections ?? 6,
    statementTimeoutMs: options.statementTimeoutMs ?? 30_000,
  });
  const counts: Alterations = { cleaned: 0, cut: 0, clamped: 0 };
  const origins = new Origins(database, counts);
  const width = new UsualWidth(options.partition ?? 'auto');
  const retentionUs = options.retention === undefined ? undefined : parseRetention(options.retention);
  const partitions = new Partitions(database, { usualWidth: () => width.current, retentionUs });
  const upkeep = new Upkeep(database, partitions, width, {
    retentionUs,
    indexTags: options.indexTags ?? true,
    diagnostics,
    onProgress: options.onProgress ?? (() => undefined),
  });
  const writer = new SpanWriter({
    database,
    partitions,
    origins,
    homes: new Homes(database, (unixUs) => partitions.isExpired(unixUs)),
    names: new NameNotes(database),
    selfCounting: new SelfCounting(database),
    counts,
  });
  const unregister = diagnostics.register(() => ({
    'forge_storage_values_altered_total{reason="cleaned"}': counts.cleaned,
    'forge_storage_values_altered_total{reason="cut"}': counts.cut,
    'forge_storage_values_altered_total{reason="clamped"}': counts.clamped,
  }));

  let ready: Promise<void> | undefined;
  /** Checks the schema's version once; again after a failure. */
  function prepared(): Promise<void> {
    ready ??= checkVersion(database).catch((error: unknown) => {
      ready = undefined;
      throw error;
    });
    return ready;
  }

  /** Runs `fn` once the schema is known to fit. */
  const answer = <T>(doing: string, fn: () => Promise<T>): Promise<T> => attempt(doing, () => prepared().then(fn));

  return {
    migrate: () =>
      attempt('migrating', async () => {
        const report = await migrate(database);
        ready = undefined;
        await upkeep.makeAhead();
        return report;
      }),
    maintain: () => answer('upkeep', () => upkeep.run()),
    write: (batch, signal) =>
      answer('writing spans', async () => {
        const result = await writer.write(batch, signal);
        upkeep.noteWrite();
        return result;
      }),
    trace: (traceId) => answer('reading a trace', () => readTrace(database, origins, traceId)),
    search: (query) => answer('searching', () => search(database, query)),
    services: (range) => answer('reading services', () => readServices(database, range)),
    operations: (range, service) => answer('reading operations', () => readOperations(database, range, service)),
    tagKeys: (range, service) => answer('reading tags', () => readTagKeys(database, range, service)),
    tagValues: (query) => answer('reading tags', () => readTagValues(database, query)),
    rates: (query) => answer('reading rates', () => readRates(database, query)),
    heatmap: (query) => answer('reading a heatmap', () => readHeatmap(database, query)),
    edges: (range) => answer('reading edges', () => readEdges(database, range)),
    deleteTrace: (traceId) => answer('deleting a trace', () => deleteTrace(database, traceId)),
    async close() {
      upkeep.stop();
      unregister();
      await database.close();
    },
  };
}
