import type { Socket } from 'node:net';
import type { Address } from './address.ts';
import { md5Password, Scram } from './authentication.ts';
import { MessageReader } from './message-reader.ts';
import { MessageWriter } from './message-writer.ts';
import { errorOf, PostgresError } from './postgres-error.ts';
import { codeOf, openSocket } from './socket.ts';
import { columnsOf, rowOf, type Column } from './values.ts';

/** The rows of a result. */
export type Rows<T> = T[] & {
  /** Rows returned or changed, as the server counts them. */
  count: number;
  /** The command's tag: `INSERT 0 5`. */
  command: string;
};

export interface StatementOptions {
  /** Keeps the statement's plan in the session, by its text: for statements that come often with the same text. */
  readonly prepare?: boolean;
}

/** An open COPY FROM STDIN. */
export interface CopyIn {
  /** Sends a piece of the data. Resolves when the bytes have left the buffer, which may be overwritten then. */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends the data. Resolves when the server has taken it all, rejects with what it refused. */
  end(): Promise<void>;
}

/** What the server may run at most, and how long an answer is waited for after that. */
export interface ConnectionLimits {
  /** Milliseconds; 0 for no limit. */
  readonly statementTimeoutMs: number;
  /** Settings of each session. */
  readonly settings: Readonly<Record<string, string>>;
}

const GRACE_MS = 5000;
const MAX_PREPARED = 200;
const PROTOCOL = 196_608; // 3.0
const CANCEL = 80_877_102;

/** A statement on its way: the server answers in the order in which they were sent. */
interface Request {
  readonly resolve: (rows: Rows<Record<string, unknown>>) => void;
  readonly reject: (error: unknown) => void;
  readonly rows: Rows<Record<string, unknown>>;
  /** The text of a prepared statement. */
  readonly prepared: string | undefined;
  readonly timer: NodeJS.Timeout | undefined;
  columns: readonly Column[];
  error: PostgresError | undefined;
}

/**
 * One session with PostgreSQL, by its protocol 3.0 (https://www.postgresql.org/docs/current/protocol.html): parameters
 * and results as text, statements one after the other without waiting for the answer in between, and COPY.
 *
 * Why not a driver: postgres.js (3.4.9) ends the process with an uncaught exception when a connection breaks within a
 * transaction, hangs where the server refuses a COPY, and copies its data twice. Here a connection that breaks rejects
 * what waits for it, and nothing else.
 */
export class Connection {
  readonly #address: Address;
  readonly #host: Address['hosts'][number];
  readonly #socket: Socket;
  readonly #limits: ConnectionLimits;
  readonly #reader = new MessageReader();
  readonly #writer = new MessageWriter();
  readonly #requests: Request[] = [];
  /** Names of prepared statements by their texts; parsed ones, and those on their way. */
  readonly #prepared = new Map<string, string>();
  #statements = 0;
  #status = 'I';
  #processId = 0;
  #secret: Buffer = Buffer.alloc(0);
  #broken: PostgresError | undefined;
  #parameters = new Map<string, string>();

  private constructor(address: Address, host: Address['hosts'][number], socket: Socket, limits: ConnectionLimits) {
    this.#address = address;
    this.#host = host;
    this.#socket = socket;
    this.#limits = limits;
  }

  /** Connects to the first host that answers (and takes writes, where the address wants that). */
  static async open(address: Address, limits: ConnectionLimits): Promise<Connection> {
    let failure: unknown;
    for (const host of address.hosts) {
      try {
        const connection = new Connection(address, host, await openSocket(address, host), limits);
        await connection.#start();
        if (!address.writable || connection.#isWritable()) return connection;
        connection.close();
        failure = new PostgresError('25006', `${host.host}:${host.port} takes no writes`);
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  /** Why it can no longer be used; undefined while it can. */
  get broken(): PostgresError | undefined {
    return this.#broken;
  }

  /** Whether a transaction is open. */
  get inTransaction(): boolean {
    return this.#status !== 'I';
  }

  /** Whether a waiting connection keeps the process alive. */
  holdProcess(hold: boolean): void {
    if (hold) this.#socket.ref();
    else this.#socket.unref();
  }

  /** Runs one statement. Values are sent as text; a statement says their types by casts. */
  query<T extends object = Record<string, unknown>>(
    text: string,
    values: readonly (string | number | null)[] = [],
    options: StatementOptions = {},
  ): Promise<Rows<T>> {
    const writer = this.#writer;
    const known = options.prepare === true ? this.#prepared.get(text) : undefined;
    const isNew = options.prepare === true && known === undefined && this.#prepared.size < MAX_PREPARED;
    const name = known ?? (isNew ? `forge_${++this.#statements}` : '');
    if (known === undefined) {
      if (isNew) this.#prepared.set(text, name);
      writer.begin('P').cstring(name).cstring(text).int16(0).end();
    }
    writer.begin('B').cstring('').cstring(name).int16(0).int16(values.length);
    for (const value of values) writer.parameter(value === null ? null : String(value));
    writer.int16(0).end();
    writer.begin('D').bytes(PORTAL).cstring('').end();
    writer.begin('E').cstring('').int32(0).end();
    writer.begin('S').end();
    return this.#send(name === '' ? undefined : text) as Promise<Rows<T>>;
  }

  /** Runs statements without parameters, several at once where they are separated by semicolons. Returns the last one's rows. */
  run<T extends object = Record<string, unknown>>(text: string): Promise<Rows<T>> {
    this.#writer.begin('Q').cstring(text).end();
    return this.#send(undefined) as Promise<Rows<T>>;
  }

  /**
   * Starts COPY ... FROM STDIN. The data follows without waiting for the server's consent: what comes after a refusal
   * it ignores.
   * @param signal aborting makes the server refuse the data
   */
  copyIn(text: string, signal?: AbortSignal): CopyIn {
    const done = this.run(text);
    // It may be refused before anyone waits for it: the caller hears of it at its next call.
    done.catch(() => undefined);
    let ended = false;
    const abort = (): void => {
      if (ended) return;
      ended = true;
      this.#writer.begin('f').cstring('aborted').end();
      this.#flush();
    };
    if (signal?.aborted === true) abort();
    signal?.addEventListener('abort', abort, { once: true });
    const header = Buffer.allocUnsafe(5);
    header[0] = 'd'.charCodeAt(0);
    return {
      write: async (bytes) => {
        if (ended) {
          await done;
          return;
        }
        header.writeUInt32BE(bytes.length + 4, 1);
        const sent = new Promise<void>((resolve) => {
          this.#socket.cork();
          this.#socket.write(Buffer.from(header));
          this.#socket.write(bytes, () => resolve());
          this.#socket.uncork();
        });
        await Promise.race([sent, done]);
      },
      end: async () => {
        if (!ended) {
          ended = true;
          this.#writer.begin('c').end();
          this.#flush();
        }
        try {
          await done;
        } finally {
          signal?.removeEventListener('abort', abort);
        }
      },
    };
  }

  /** Ends the session. What still waits is rejected. */
  close(): void {
    if (this.#broken !== undefined) return;
    this.#writer.begin('X').end();
    this.#socket.end(this.#writer.take());
    this.#fail(new PostgresError('CONNECTION_CLOSED', 'the connection was closed'));
  }

  // --- the start ---

  #start(): Promise<void> {
    const { user, database, settings, connectTimeoutMs } = this.#address;
    const socket = this.#socket;
    socket.on('data', (chunk: Buffer) => this.#reader.push(chunk, (type, body) => this.#onMessage(type, body)));
    socket.on('error', (error) =>
      this.#break(
        new PostgresError(codeOf(error), `connection to ${this.#name()}: ${error.message}`, { cause: error }),
      ),
    );
    socket.on('close', () =>
      this.#break(new PostgresError('CONNECTION_CLOSED', `the connection to ${this.#name()} was closed`)),
    );
    const writer = this.#writer
      .begin('')
      .int32(PROTOCOL)
      .cstring('user')
      .cstring(user)
      .cstring('database')
      .cstring(database);
    const session = { client_encoding: 'UTF8', ...this.#limits.settings, ...settings };
    for (const [name, value] of Object.entries(session)) writer.cstring(name).cstring(value);
    writer.bytes(Buffer.from([0])).end();
    const late = setTimeout(
      () =>
        this.#break(
          new PostgresError('CONNECT_TIMEOUT', `${this.#name()} did not let us in within ${connectTimeoutMs} ms`),
        ),
      connectTimeoutMs,
    );
    return this.#send(undefined).then(
      () => clearTimeout(late),
      (error: unknown) => {
        clearTimeout(late);
        socket.destroy();
        throw error;
      },
    );
  }

  #scram: Scram | undefined;

  async #authenticate(body: Buffer): Promise<void> {
    const { user, password } = this.#address;
    const kind = body.readInt32BE(0);
    const text = body.toString('utf8', 4);
    if (kind === 0) return;
    if (kind === 12) {
      this.#scram?.verify(text);
      return;
    }
    const secret = typeof password === 'function' ? await password() : password;
    switch (kind) {
      case 3:
        this.#writer.begin('p').cstring(secret).end();
        break;
      case 5:
        this.#writer
          .begin('p')
          .cstring(md5Password(user, secret, body.subarray(4, 8)))
          .end();
        break;
      case 10: {
        if (!text.split('\0').includes('SCRAM-SHA-256'))
          throw new PostgresError('28000', 'the server asks for a SASL mechanism other than SCRAM-SHA-256');
        this.#scram = new Scram(secret);
        const first = Buffer.from(this.#scram.first());
        this.#writer.begin('p').cstring('SCRAM-SHA-256').int32(first.length).bytes(first).end();
        break;
      }
      case 11: {
        const final = await this.#scram!.final(text);
        this.#writer.begin('p').bytes(Buffer.from(final)).end();
        break;
      }
      default:
        throw new PostgresError(
          '28000',
          `the server asks for authentication of kind ${kind}, which is not supported: use SCRAM, MD5 or a password`,
        );
    }
    this.#flush();
  }

  #isWritable(): boolean {
    return (
      this.#parameters.get('in_hot_standby') !== 'on' && this.#parameters.get('default_transaction_read_only') !== 'on'
    );
  }

  // --- messages ---

  #send(prepared: string | undefined): Promise<Rows<Record<string, unknown>>> {
    return new Promise((resolve, reject) => {
      if (this.#broken !== undefined) {
        this.#writer.take();
        reject(this.#broken);
        return;
      }
      const { statementTimeoutMs } = this.#limits;
      const timer =
        statementTimeoutMs === 0 ? undefined : setTimeout(() => this.#onTimeout(), statementTimeoutMs + GRACE_MS);
      timer?.unref();
      const rows = Object.assign([], { count: 0, command: '' });
      this.#requests.push({ resolve, reject, rows, prepared, timer, columns: [], error: undefined });
      this.#flush();
    });
  }

  #flush(): void {
    const bytes = this.#writer.take();
    if (this.#broken === undefined && bytes.length > 0) this.#socket.write(bytes);
  }

  #onMessage(type: number, body: Buffer): void {
    if (this.#broken !== undefined) return;
    const request = this.#requests[0];
    switch (String.fromCharCode(type)) {
      case 'D':
        request?.rows.push(rowOf(body, request.columns));
        break;
      case 'T':
        if (request !== undefined) request.columns = columnsOf(body);
        break;
      case 'C':
        if (request !== undefined) readTag(body, request.rows);
        break;
      case 'E':
        this.#onError(errorOf(body), request);
        break;
      case 'Z':
        this.#onReady(String.fromCharCode(body[0]));
        break;
      case 'R': {
        // The body is a view on the socket's chunk; what is asked may take a while.
        const copy = Buffer.from(body);
        this.#authenticate(copy).catch((error: unknown) => this.#break(asError(error)));
        break;
      }
      case 'S': {
        const [name = '', value = ''] = body.toString('utf8').split('\0');
        this.#parameters.set(name, value);
        break;
      }
      case 'K':
        this.#processId = body.readInt32BE(0);
        this.#secret = Buffer.from(body.subarray(4));
        break;
      case 'H':
      case 'W':
        this.#break(new PostgresError('0A000', 'COPY TO is not supported'));
        break;
      default:
      // ParseComplete, BindComplete, NoData, notices, the consent to a COPY: nothing to do.
    }
  }

  #onError(error: PostgresError, request: Request | undefined): void {
    if (request !== undefined) request.error ??= error;
    // Before the session stands, and when the server ends it, no ReadyForQuery follows.
    if (request === undefined || error.fatal) this.#break(error);
  }

  #onReady(status: string): void {
    this.#status = status;
    const request = this.#requests.shift();
    if (request === undefined) return;
    clearTimeout(request.timer);
    if (request.error === undefined) request.resolve(request.rows);
    else {
      // It was not parsed, or is gone, or its plan no longer fits the tables: the next time under another name.
      if (request.prepared !== undefined) this.#prepared.delete(request.prepared);
      request.reject(request.error);
    }
  }

  /** No answer, not even that the time is over: the server or the network is gone. */
  #onTimeout(): void {
    this.#cancel();
    this.#break(
      new PostgresError(
        'TIMEOUT',
        `no answer from ${this.#name()} within ${this.#limits.statementTimeoutMs + GRACE_MS} ms`,
      ),
    );
  }

  /** Asks the server, on another connection, to stop what it does for this one. */
  #cancel(): void {
    const message = new MessageWriter().begin('').int32(CANCEL).int32(this.#processId).bytes(this.#secret).end().take();
    openSocket(this.#address, this.#host).then(
      (socket) => socket.end(message),
      () => undefined,
    );
  }

  #break(error: PostgresError): void {
    if (this.#broken !== undefined) return;
    this.#socket.destroy();
    this.#fail(error);
  }

  #fail(error: PostgresError): void {
    this.#broken = error;
    for (const request of this.#requests.splice(0)) {
      clearTimeout(request.timer);
      request.reject(request.error ?? error);
    }
  }

  #name(): string {
    return `${this.#host.host}:${this.#host.port}`;
  }
}

/** Describe's first byte for a portal. */
const PORTAL = Buffer.from('P');

function readTag(body: Buffer, rows: Rows<unknown>): void {
  rows.command = body.toString('latin1', 0, body.length - 1);
  const count = Number(rows.command.slice(rows.command.lastIndexOf(' ') + 1));
  rows.count = Number.isNaN(count) ? 0 : count;
}

function asError(error: unknown): PostgresError {
  return error instanceof PostgresError
    ? error
    : new PostgresError('CONNECTION_CLOSED', error instanceof Error ? error.message : String(error));
}
