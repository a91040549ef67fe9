import postgres, { type Sql } from 'postgres';
import { storageError, StorageCode } from '@forge/storage';
import { takeTls } from './tls.ts';

export interface ConnectOptions {
  readonly maxConnections: number;
  /** What the server allows one statement, milliseconds. */
  readonly statementTimeoutMs: number;
}

/** A pool of connections that opens the first one at the first statement. Throws FORGE_STORAGE_OPTION_INVALID for a URL that is none. */
export function connect(url: string, options: ConnectOptions): Sql {
  const { address, parameters, host } = splitUrl(url);
  const ssl = takeTls(parameters, host);
  const rest = parameters.toString();
  return postgres(rest === '' ? address : `${address}?${rest}`, {
    ssl: ssl as boolean | object | 'require' | 'prefer',
    max: options.maxConnections,
    connect_timeout: 10,
    idle_timeout: 60,
    // Parameters are cast in the statements, so array types need not be looked up at every connection's start.
    fetch_types: false,
    onnotice: () => undefined,
    connection: {
      application_name: 'forge',
      statement_timeout: options.statementTimeoutMs,
      // Times are compared as numbers; this only spares the server the conversion of its log lines.
      TimeZone: 'UTC',
      // A write that found a trace's row locked waits for the other writer's commit, not longer than this.
      lock_timeout: Math.min(10_000, options.statementTimeoutMs),
      idle_in_transaction_session_timeout: 60_000,
    },
  });
}

/** The URL without its query, its query, and the (first) host. Several hosts, which `URL` refuses, are allowed. */
function splitUrl(url: string): { address: string; parameters: URLSearchParams; host: string } {
  const match = /^postgres(?:ql)?:\/\/([^/?]*)([^?]*)(?:\?(.*))?$/s.exec(url);
  if (match === null) {
    throw storageError(
      StorageCode.optionInvalid,
      'url: not a PostgreSQL URL; expected postgres://user:password@host:port/database',
    );
  }
  const [, authority = '', path = '', query = ''] = match;
  const first = authority.slice(authority.lastIndexOf('@') + 1).split(',')[0];
  const host = decodeURIComponent(first.replace(/:\d*$/, ''));
  return { address: `postgres://${authority}${path}`, parameters: new URLSearchParams(query), host };
}
