import type { Connection } from './connection.ts';
import { PostgresError } from './postgres-error.ts';

/**
 * Runs `fn` within a transaction: committed when it resolves, rolled back when it rejects. A connection that breaks is
 * left alone: the server rolls back by itself.
 */
export async function transaction<T>(connection: Connection, fn: () => Promise<T>): Promise<T> {
  // Sent along with the first statement: its answer comes before that one's.
  const begun = connection.run('BEGIN');
  begun.catch(() => undefined);
  let result: T;
  try {
    result = await fn();
    await begun;
  } catch (error) {
    if (connection.broken === undefined) await connection.run('ROLLBACK').catch(() => undefined);
    throw error;
  }
  await commit(connection);
  return result;
}

/** COMMIT of a transaction in which a statement failed rolls back and says so only by its tag. */
async function commit(connection: Connection): Promise<void> {
  const { command } = await connection.run('COMMIT');
  if (command === 'ROLLBACK')
    throw new PostgresError('25P02', 'the transaction was rolled back, since a statement in it had failed');
}
