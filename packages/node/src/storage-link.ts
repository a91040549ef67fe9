import { ForgeError, withoutTracing, type Diagnostics, type SpanData } from '@forge/core';
import { acquireEmbeddedPostgres, type EmbeddedPostgres } from '@forge/embedded-postgres';
import type { Exporter, ExportResult } from '@forge/export';
import type { TraceStore } from '@forge/storage';

export interface StorageLinkOptions {
  /** A PostgreSQL of the user's; undefined for the embedded one. */
  readonly url: string | undefined;
  /** Opens the store, migrations included; called again after a failure. */
  readonly open: (url: string) => Promise<TraceStore>;
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
  #store: Promise<TraceStore> | undefined = undefined;
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

  /** The open store. Rejects with a ForgeError while the database cannot be reached; the next call tries again. */
  async store(): Promise<TraceStore> {
    if (this.#closed) throw new ForgeError('FORGE_NODE_STOPPED', 'the tracer has been shut down');
    this.#store ??= withoutTracing(async () => this.#options.open(await this.databaseUrl()));
    try {
      return await this.#store;
    } catch (error) {
      this.#store = undefined;
      throw error;
    }
  }

  async export(batch: readonly SpanData[], signal: AbortSignal): Promise<ExportResult> {
    const store = await this.store();
    await store.write(batch, signal);
    return { rejected: 0 };
  }

  /** The queue has drained. The store stays open for readers until `close`. */
  async shutdown(): Promise<void> {
    // Readers (the API) share the store: see close().
  }

  async close(): Promise<void> {
    this.#closed = true;
    const [store, embedded] = [this.#store, this.#embedded];
    await store?.then((open) => open.close()).catch(() => undefined);
    await embedded?.then((server) => server.release()).catch(() => undefined);
  }
}
