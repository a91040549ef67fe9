import { ForgeError } from '@forge/core';
import { EmbeddedPostgresErrors } from './errors.ts';

/** PostgreSQL's own settings, by their names: `{ shared_buffers: '512MB' }`. */
export type PostgresSettings = Readonly<Record<string, string | number | boolean>>;

/** For a developer's machine and a small server: modest in memory, made for batches of inserts and short queries. */
const DEFAULTS: PostgresSettings = {
  shared_buffers: '128MB',
  max_connections: 200,
  max_wal_size: '2GB',
  random_page_cost: 1.1,
  // Compiling costs more than the short queries of this product take.
  jit: 'off',
  max_logical_replication_workers: 0,
  // Errors go to the clients; the log keeps what the operator of the server needs, and stays small.
  log_min_messages: 'log',
  log_checkpoints: 'off',
};

/** Twice as fast and lost in a crash: for tests and benchmarks. */
const NOT_DURABLE: PostgresSettings = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  wal_level: 'minimal',
  max_wal_senders: 0,
};

/** The settings as arguments of `postgres`. Reached from this machine only, whatever is asked for. */
export function settingArguments(settings: PostgresSettings, options: { durable: boolean; port: number }): string[] {
  const all: PostgresSettings = {
    ...DEFAULTS,
    ...(options.durable ? {} : NOT_DURABLE),
    ...settings,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    port: options.port,
  };
  return Object.entries(all).flatMap(([name, value]) => {
    if (!/^[a-z_]+(\.[a-z_]+)?$/i.test(name))
      throw new ForgeError(
        EmbeddedPostgresErrors.startFailed,
        `${JSON.stringify(name)} is not the name of a PostgreSQL setting`,
      );
    return ['-c', `${name}=${value}`];
  });
}
