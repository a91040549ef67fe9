import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import type { Address } from './address.ts';
import { PostgresError } from './postgres-error.ts';

const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);
const YES = 'S'.charCodeAt(0);

/** An open socket to one of the address's hosts, encrypted as its TLS options say. */
export async function openSocket(address: Address, { host, port }: Address['hosts'][number]): Promise<Socket> {
  const target = host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host, port };
  const plain = connectPlain({ ...target, noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 });
  const closeLate = setTimeout(() => {
    plain.destroy(
      new PostgresError('CONNECT_TIMEOUT', `no answer from ${host}:${port} within ${address.connectTimeoutMs} ms`),
    );
  }, address.connectTimeoutMs);
  try {
    await happens(plain, 'connect', host);
    if (address.tls === false || host.startsWith('/')) return plain;
    plain.write(SSL_REQUEST);
    const answer = (await happens(plain, 'data', host)) as Buffer;
    if (answer[0] !== YES) {
      if (address.tls === 'prefer') return plain;
      throw new PostgresError('08001', `the server at ${host}:${port} does not support TLS, which sslmode requires`);
    }
    // What comes with the answer was injected in between: a man in the middle's.
    if (answer.length > 1) throw new PostgresError('08P01', 'unexpected data before the TLS handshake');
    const secure = connectTls({ ...tlsOptions(address.tls, host), socket: plain });
    await happens(secure, 'secureConnect', host);
    return secure;
  } catch (error) {
    plain.destroy();
    throw error;
  } finally {
    clearTimeout(closeLate);
  }
}

function tlsOptions(tls: Exclude<Address['tls'], false>, host: string): ConnectionOptions {
  const name = isIP(host) === 0 ? { servername: host } : {};
  if (tls === 'prefer' || tls === 'require') return { ...name, rejectUnauthorized: false };
  return { ...name, ...tls };
}

/** Resolves with the event's argument; rejects with the socket's error, or when it closes first. */
function happens(socket: Socket, event: string, host: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onEvent = (argument: unknown): void => {
      settle();
      resolve(argument);
    };
    const onError = (error: Error): void => {
      settle();
      reject(
        error instanceof PostgresError ? error : new PostgresError(codeOf(error), error.message, { cause: error }),
      );
    };
    const onClose = (): void =>
      onError(new PostgresError('CONNECTION_CLOSED', `the connection to ${host} was closed while it was opened`));
    const settle = (): void => {
      socket.off(event, onEvent);
      socket.off('error', onError);
      socket.off('close', onClose);
      // A late error of a socket that nobody waits for any more must not end the process.
      socket.on('error', () => undefined);
    };
    socket.once(event, onEvent);
    socket.once('error', onError);
    socket.once('close', onClose);
  });
}

/** Node's code of a socket's error; of several tried addresses, that of the first. */
export function codeOf(error: Error): string {
  const { code, errors } = error as { code?: unknown; errors?: readonly { code?: unknown }[] };
  const found = code ?? errors?.[0]?.code;
  return typeof found === 'string' ? found : 'CONNECTION_CLOSED';
}
