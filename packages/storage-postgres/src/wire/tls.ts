import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { storageError, StorageCode } from '@forge/storage';

const MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;
type Mode = (typeof MODES)[number];

/** `prefer`: encrypted where the server can, unverified; `require`: encrypted, unverified; options: as they say. */
export type Tls = false | 'prefer' | 'require' | ConnectionOptions;

// libpq's parameters that are not the server's: left in the URL, they would be sent as settings of the session.
const LIBPQ_ONLY = [
  'gssencmode',
  'channel_binding',
  'sslcompression',
  'sslcrl',
  'sslsni',
  'requirepeer',
  'krbsrvname',
  'passfile',
  'uselibpqcompat',
  'pgbouncer',
  'schema',
  'connection_limit',
  'pool_timeout',
];

/** Takes the TLS parameters out of a URL's query, with libpq's meaning; others stay. Throws FORGE_STORAGE_OPTION_INVALID. */
export function takeTls(parameters: URLSearchParams, host: string): Tls {
  const take = (name: string): string | undefined => {
    const value = parameters.get(name) ?? undefined;
    parameters.delete(name);
    return value;
  };
  for (const name of LIBPQ_ONLY) parameters.delete(name);
  const ssl = take('ssl');
  const rootCert = take('sslrootcert');
  const cert = take('sslcert');
  const key = take('sslkey');
  const password = take('sslpassword');
  const mode = modeOf(
    take('sslmode') ?? (ssl === 'true' || ssl === '1' ? 'require' : ssl) ?? process.env['PGSSLMODE'],
    rootCert,
    host,
  );
  if (mode === 'disable') return false;
  if ((mode === 'allow' || mode === 'prefer') && cert === undefined) return 'prefer';
  const options: ConnectionOptions = {};
  if (rootCert !== undefined && rootCert !== 'system') options.ca = read('sslrootcert', rootCert);
  if (cert !== undefined) options.cert = read('sslcert', cert);
  if (key !== undefined) options.key = read('sslkey', key);
  if (password !== undefined) options.passphrase = password;
  const verifies = mode === 'verify-full' || mode === 'verify-ca' || rootCert !== undefined;
  if (!verifies) return cert === undefined ? 'require' : { ...options, rejectUnauthorized: false };
  // As libpq does: a root certificate with `require` checks the chain, and only `verify-full` the host's name.
  if (mode !== 'verify-full') options.checkServerIdentity = () => undefined;
  else if (isIP(host) === 0) options.servername = host;
  return options;
}

function modeOf(value: string | undefined, rootCert: string | undefined, host: string): Mode {
  if (value === undefined) {
    if (rootCert === 'system') return 'verify-full';
    // libpq asks for TLS everywhere by default; on the same machine that is a round trip for nothing.
    return host === '' || host === 'localhost' || host === '127.0.0.1' || host === '[::1]' || host.startsWith('/')
      ? 'disable'
      : 'prefer';
  }
  if ((MODES as readonly string[]).includes(value)) return value as Mode;
  throw storageError(StorageCode.optionInvalid, `sslmode: ${value} is not allowed; expected ${MODES.join(', ')}`);
}

function read(parameter: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw storageError(StorageCode.optionInvalid, `${parameter}: cannot read ${path}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
