import { isForgeError, type ForgeError } from '@forge/core';
import { storageError, StorageCode } from '@forge/storage';

/** What our connections, Node's sockets and PostgreSQL say when the database is away or going: worth another try. */
const RETRYABLE = new Set([
  'CONNECTION_CLOSED',
  'CONNECTION_ENDED',
  'CONNECT_TIMEOUT',
  'TIMEOUT',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOENT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  '40001', // serialization_failure
  '40P01', // deadlock_detected
  '55P03', // lock_not_available
  '55006', // object_in_use
  '25006', // read_only_sql_transaction: a standby that will be promoted, or the wrong host for now
  '57014', // query_canceled
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now
  '57P05', // idle_session_timeout
]);

// Connection exceptions; insufficient resources (disk full, too many connections); system errors; invalid authorization
// and missing databases, which an operator mends while the spans wait.
const RETRYABLE_CLASSES = ['08', '53', '58', '28', '3D'];

/** The SQLSTATE, or the connection's or Node's code, of what a query rejected with. */
export function sqlCode(error: unknown): string {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : '';
}

/** A ForgeError for whatever a query rejected with; those that already are one pass through. */
export function toStorageError(error: unknown, doing: string): ForgeError {
  if (isForgeError(error)) return error;
  const code = sqlCode(error);
  const message = `${doing}: ${error instanceof Error ? error.message : String(error)}${code === '' ? '' : ` (${code})`}`;
  if (code === '42P01' || code === '42703' || code === '3F000') {
    return storageError(StorageCode.schemaMissing, `${message}; run the migrations first`, {
      cause: error,
      retryable: true,
    });
  }
  if (code === '57014' || code === 'TIMEOUT')
    return storageError(StorageCode.timeout, message, { cause: error, retryable: true });
  const retryable = RETRYABLE.has(code) || (code.length === 5 && RETRYABLE_CLASSES.includes(code.slice(0, 2)));
  return storageError(retryable ? StorageCode.unavailable : StorageCode.failed, message, { cause: error, retryable });
}
