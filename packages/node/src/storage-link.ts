import { ForgeError, withoutTracing, type Diagnostics, type SpanData } from '@forge/core';
import { acquireEmbeddedPostgres, type EmbeddedPostgres } from '@forge/embedded-postgres';
import type { Exporter, ExportResult } from '@forge/export';
import type { TraceStore } from '@forge/storage';
import type { PostgresKeepLog } from '@forge/storage-postgres';

/** What is open in the database. */
export interface OpenStorage {
  readonly store: TraceStore;
  readonly keepLog: PostgresKeepLog;
}

export interface StorageLinkOptions {
  /** A PostgreSQL of the user's; undefined for the embedded one. */
  readonly url: string | undefined;
  /** Opens, migrations included; called again after a failure. */
  readonly open: (url: string) => Promise<OpenStorage>;
  readonly diagnostics: Diagnostics;
}

/**
 * The way to the database, which may not be there yet, or any more. Nothing waits for it but who asks.
 * As an exporter it writes batches; the queue in front of it holds spans while it is away.
 */
export class StorageLink implements Exporter {
  readonly name = 'postgres';
  readonly #options: StorageLinkOptions;
  #embedded: Promise<EmbeddedPostgres> | undefined = undefined;
  #storage: Promise<OpenStorage> | undefined = undefined;
  #closed = false;

  constructor(options: StorageLinkOptions) {
    this.#options = options;
  }

  /** The database's URL; starts the embedded one where none is configured. */
  async databaseUrl(): Promise<string> {
    const { url, diagnostics } = this.#options;
    if (url !== undefined) return url;
    this.#embedded ??= acquireEmbeddedPostgres({ onProgress: (line) => diagnostics.info(line) });
    try {
      return (await this.#embedded).url;
    } catch (error) {
      this.#embedded = undefined;
      throw error;
    }
  }

  /** What is open. Rejects with a ForgeError while the database cannot be reached; the next call tries again. */
  async storage(): Promise<OpenStorage> {
    if (this.#closed) throw new ForgeError('FORGE_NODE_STOPPED', 'the tracer has been shut down');
    this.#storage ??= withoutTracing(async () => this.#options.open(await this.databaseUrl()));
    try {
      return await this.#storage;
    } catch (error) {
      this.#storage = undefined;
      throw error;
    }
  }

  async export(batch: readonly SpanData[], signal: AbortSignal): Promise<ExportResult> {
    const { store } = await this.storage();
    await store.write(batch, signal);
    return { rejected: 0 };
  }

  /** The queue has drained. Readers (the API) and the keep log share the connections: see `close`. */
  async shutdown(): Promise<void> {}

  async close(): Promise<void> {
    this.#closed = true;
    const [storage, embedded] = [this.#storage, this.#embedded];
    await storage?.then(({ store, keepLog }) => Promise.all([store.close(), keepLog.close()])).catch(() => undefined);
    await embedded?.then((server) => server.release()).catch(() => undefined);
  }
}
