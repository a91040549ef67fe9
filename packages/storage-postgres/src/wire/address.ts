import { userInfo } from 'node:os';
import { storageError, StorageCode } from '@forge/storage';
import { takeTls, type Tls } from './tls.ts';

/** Where the server is, and as whom to connect. */
export interface Address {
  /** Tried in this order. A host that begins with a slash is the folder of a Unix socket. */
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  readonly user: string;
  /** A function for passwords that expire, asked at each connection. */
  readonly password: string | (() => string | Promise<string>);
  readonly database: string;
  readonly tls: Tls;
  readonly connectTimeoutMs: number;
  /** Only a server that takes writes: of several hosts, the primary. */
  readonly writable: boolean;
  /** Further parameters of the session. */
  readonly settings: Readonly<Record<string, string>>;
}

/** Reads a URL as libpq does, its PG* environment variables included. Throws FORGE_STORAGE_OPTION_INVALID. */
export function parseAddress(url: string, env: NodeJS.ProcessEnv = process.env): Address {
  const match = /^postgres(?:ql)?:\/\/(?:([^@/?]*)@)?([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/s.exec(url);
  if (match === null) throw invalid('url: not a PostgreSQL URL; expected postgres://user:password@host:port/database');
  const [, credentials = '', authority = '', path = '', query = ''] = match;
  const parameters = new URLSearchParams(query);
  const take = (name: string): string | undefined => {
    const value = parameters.get(name) ?? undefined;
    parameters.delete(name);
    return value;
  };
  const colon = credentials.indexOf(':');
  const user =
    decode(colon < 0 ? credentials : credentials.slice(0, colon)) ||
    take('user') ||
    env['PGUSER'] ||
    userInfo().username;
  const password =
    (colon < 0 ? '' : decode(credentials.slice(colon + 1))) || take('password') || env['PGPASSWORD'] || '';
  const hosts = hostsOf(take('host') ?? authority, take('port') ?? env['PGPORT'], env['PGHOST']);
  const database = decode(path) || take('dbname') || env['PGDATABASE'] || user;
  const tls = takeTls(parameters, hosts[0].host);
  const seconds = Number(take('connect_timeout') ?? 10);
  const target = take('target_session_attrs') ?? 'any';
  if (!['any', 'read-write', 'primary'].includes(target)) {
    throw invalid(`target_session_attrs: ${target} is not allowed; expected any, read-write, primary`);
  }
  return {
    hosts,
    user,
    password,
    database,
    tls,
    connectTimeoutMs: seconds > 0 ? seconds * 1000 : 10_000,
    writable: target !== 'any',
    settings: Object.fromEntries(parameters),
  };
}

/** What is read of a postgres.js client: its options after parsing. */
export interface ClientLike {
  readonly options: {
    readonly host: readonly string[];
    readonly port: readonly number[];
    readonly path?: string | boolean | null;
    readonly user: string;
    readonly pass: string | (() => string | Promise<string>) | null;
    readonly database: string;
    readonly ssl: unknown;
  };
}

/** The address of an application's own postgres.js client. */
export function addressOf(client: ClientLike): Address {
  const { host, port, path, user, pass, database, ssl } = client.options;
  const folder = typeof path === 'string' ? path.slice(0, path.lastIndexOf('/.s.PGSQL.')) : undefined;
  return {
    hosts: host.map((name, i) => ({ host: folder ?? name, port: port[i] ?? port[0] ?? 5432 })),
    user,
    password: pass ?? '',
    database,
    tls: tlsOf(ssl),
    connectTimeoutMs: 10_000,
    writable: false,
    settings: {},
  };
}

function tlsOf(ssl: unknown): Tls {
  if (ssl === undefined || ssl === null || ssl === false || ssl === 'disable') return false;
  if (ssl === 'prefer' || ssl === 'allow') return 'prefer';
  if (ssl === 'require') return 'require';
  return typeof ssl === 'object' ? ssl : {};
}

function hostsOf(authority: string, portText: string | undefined, fallback: string | undefined): Address['hosts'] {
  const ports = portText?.split(',');
  return (authority || fallback || 'localhost').split(',').map((entry, i) => {
    // An IPv6 address stands in brackets.
    const match = /^(\[[^\]]+\]|[^:]*)(?::(\d*))?$/.exec(entry);
    const port = Number(match?.[2] || ports?.[i] || ports?.[0] || 5432);
    if (match === null || !(port >= 1 && port <= 65_535)) throw invalid(`url: ${entry} is no host and port`);
    return { host: decode(match[1]).replace(/^\[|\]$/g, '') || 'localhost', port };
  });
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid('url: a % in the user, password, host or database must be written as %25');
  }
}

function invalid(message: string): Error {
  return storageError(StorageCode.optionInvalid, message);
}
