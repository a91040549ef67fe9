import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

/*
 * Just enough of PostgreSQL's protocol 3.0 for one query at the start: SCRAM-SHA-256, then a simple query.
 * https://www.postgresql.org/docs/18/protocol-flow.html, RFC 5802 and RFC 7677.
 * A driver would be this package's only dependency besides the binaries.
 */

/** Where and as whom to connect. */
export interface WireTarget {
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

/** An error of the server, by its SQLSTATE. */
export class WireError extends Error {
  readonly sqlState: string;
  constructor(sqlState: string, message: string) {
    super(message);
    this.name = 'WireError';
    this.sqlState = sqlState;
  }
}

/**
 * Connects over loopback, runs one statement and disconnects.
 * @returns the rows, each column as text, NULL as `undefined`
 */
export async function runStatement(
  target: WireTarget,
  sql: string,
  timeoutMs = 30_000,
): Promise<(string | undefined)[][]> {
  const socket = connect({ host: '127.0.0.1', port: target.port, noDelay: true });
  socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`PostgreSQL did not answer within ${timeoutMs} ms`)));
  try {
    return await converse(socket, target, sql);
  } finally {
    socket.destroy();
  }
}

async function converse(socket: Socket, target: WireTarget, sql: string): Promise<(string | undefined)[][]> {
  const parameters = ['user', target.user, 'database', target.database, 'application_name', 'forge', '']
    .map((text) => `${text}\0`)
    .join('');
  const startup = Buffer.from(parameters);
  socket.write(Buffer.concat([uint32(startup.length + 8), uint32(196_608), startup]));
  const rows: (string | undefined)[][] = [];
  const scram = new Scram(target.password);
  let asked = false;
  let failure: WireError | undefined;
  for await (const { type, body } of messages(socket)) {
    if (type === 'R') {
      const answer = scram.answer(body);
      if (answer !== undefined) send(socket, 'p', answer);
    } else if (type === 'E') {
      failure = serverError(body);
      if (!asked) throw failure; // During log-in the server closes the connection after it.
    } else if (type === 'D') {
      rows.push(dataRow(body));
    } else if (type === 'Z') {
      if (failure !== undefined) throw failure;
      if (asked) {
        send(socket, 'X', Buffer.alloc(0));
        return rows;
      }
      asked = true;
      send(socket, 'Q', Buffer.from(`${sql}\0`));
    }
  }
  throw new Error('PostgreSQL closed the connection');
}

async function* messages(socket: Socket): AsyncGenerator<{ type: string; body: Buffer }> {
  let pending: Buffer = Buffer.alloc(0);
  for await (const chunk of socket) {
    pending = Buffer.concat([pending, chunk as Buffer]);
    while (pending.length >= 5 && pending.length > pending.readUInt32BE(1)) {
      const end = 1 + pending.readUInt32BE(1);
      yield { type: String.fromCharCode(pending[0]), body: pending.subarray(5, end) };
      pending = pending.subarray(end);
    }
  }
}

function send(socket: Socket, type: string, body: Buffer): void {
  socket.write(Buffer.concat([Buffer.from(type), uint32(body.length + 4), body]));
}

function uint32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32BE(value);
  return buffer;
}

function dataRow(body: Buffer): (string | undefined)[] {
  const values: (string | undefined)[] = [];
  let at = 2;
  for (let column = body.readUInt16BE(0); column > 0; column--) {
    const length = body.readInt32BE(at);
    at += 4;
    values.push(length < 0 ? undefined : body.toString('utf8', at, at + length));
    at += Math.max(length, 0);
  }
  return values;
}

function serverError(body: Buffer): WireError {
  const fields = new Map(
    body
      .toString('utf8')
      .split('\0')
      .map((field) => [field[0], field.slice(1)]),
  );
  return new WireError(fields.get('C') ?? 'XX000', fields.get('M') ?? 'unknown error');
}

/** The client's half of SCRAM-SHA-256, without channel binding. */
class Scram {
  readonly #password: string;
  readonly #clientFirst = `n=,r=${randomBytes(18).toString('base64')}`;
  #serverSignature = '';

  constructor(password: string) {
    this.#password = password;
  }

  /** The answer to an authentication message; `undefined` where it wants none. */
  answer(body: Buffer): Buffer | undefined {
    const step = body.readUInt32BE(0);
    const text = body.toString('utf8', 4);
    if (step === 0) return undefined;
    if (step === 10) {
      const first = Buffer.from(`n,,${this.#clientFirst}`);
      return Buffer.concat([Buffer.from('SCRAM-SHA-256\0'), uint32(first.length), first]);
    }
    if (step === 11) return Buffer.from(this.#proof(text));
    if (step === 12) {
      // The server knows the password too: it is ours, not whoever took the port meanwhile.
      if (!text.includes(`v=${this.#serverSignature}`))
        throw new Error('the server on this port is not the one of this data folder');
      return undefined;
    }
    throw new Error(`the server on this port asks for an authentication (${step}) that the embedded one does not use`);
  }

  #proof(serverFirst: string): string {
    const [, nonce, salt, iterations] = /^r=([^,]+),s=([^,]+),i=(\d+)/.exec(serverFirst) ?? [];
    if (nonce === undefined || salt === undefined) throw new Error('malformed SCRAM message');
    const withoutProof = `c=biws,r=${nonce}`;
    const message = `${this.#clientFirst},${serverFirst},${withoutProof}`;
    const salted = pbkdf2Sync(this.#password, Buffer.from(salt, 'base64'), Number(iterations), 32, 'sha256');
    const clientKey = hmac(salted, 'Client Key');
    const signature = hmac(createHash('sha256').update(clientKey).digest(), message);
    this.#serverSignature = hmac(hmac(salted, 'Server Key'), message).toString('base64');
    return `${withoutProof},p=${Buffer.from(clientKey.map((byte, i) => byte ^ signature[i])).toString('base64')}`;
  }
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
