import type { Writable } from 'node:stream';
import type { Sql, TransactionSql } from 'postgres';

/** What a pending query of postgres.js has beside its types. */
interface Pending {
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
  simple(): Pending;
  execute(): Pending;
}

/** An open COPY FROM STDIN. */
export interface CopyIn {
  /** Sends bytes; resolves when there is room for more. They may be overwritten afterwards. */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends the data. Resolves when the server has taken it all, rejects with what it refused. */
  end(): Promise<void>;
}

/**
 * Starts `statement` (COPY ... FROM STDIN) within a transaction.
 *
 * postgres.js (3.4.9, its issue 1173) resolves the query once with the stream and never again: when the server refuses
 * the data after the stream's end, its promise has long been settled and nobody hears of it. So the query's own resolve
 * and reject are replaced: the first resolve hands over the stream, the second is the command's completion, a reject at
 * any time the server's error. The transaction sees the error too and rolls back; the connection stays usable.
 *
 * @param signal aborting makes the server refuse the data
 */
export async function copyIn(
  tx: TransactionSql | Sql,
  statement: string,
  signal: AbortSignal | undefined,
): Promise<CopyIn> {
  const query = tx.unsafe(statement) as unknown as Pending;
  const settle = { resolve: query.resolve, reject: query.reject };
  let stream: Writable | undefined;
  let opened: (stream: Writable) => void;
  let refused: (error: unknown) => void;
  let completed: () => void;
  const opening = new Promise<Writable>((resolve, reject) => {
    opened = resolve;
    refused = reject;
  });
  const completion = new Promise<void>((resolve, reject) => {
    completed = resolve;
    query.reject = (error) => {
      settle.reject(error);
      refused(error);
      reject(error);
    };
  });
  // Both may reject before anyone looks: the caller hears of it at its next call.
  opening.catch(() => undefined);
  completion.catch(() => undefined);
  query.resolve = (value) => {
    if (stream === undefined) {
      stream = value as Writable;
      stream.on('error', () => undefined);
      opened(stream);
      return;
    }
    settle.resolve(value);
    completed();
  };
  query.simple().execute();
  const open = await opening;
  const abort = () => open.destroy(signal?.reason instanceof Error ? signal.reason : new Error('aborted'));
  signal?.addEventListener('abort', abort, { once: true });
  const done = completion.finally(() => signal?.removeEventListener('abort', abort));
  done.catch(() => undefined);
  if (signal?.aborted === true) abort();
  return {
    write: (bytes) => Promise.race([done, new Promise<void>((resolve) => void open.write(bytes, () => resolve()))]),
    end() {
      open.end();
      return done;
    },
  };
}
