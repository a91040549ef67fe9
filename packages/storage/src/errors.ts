import { ForgeError } from '@forge/core';

/** The codes that any store may reject with. */
export const StorageCode = {
  /** The database is away, overloaded or too slow: the same call may succeed later. */
  unavailable: 'FORGE_STORAGE_UNAVAILABLE',
  /** The call took longer than it may. */
  timeout: 'FORGE_STORAGE_TIMEOUT',
  /** The database refused the statement for good; the message says why. */
  failed: 'FORGE_STORAGE_FAILED',
  /** The database holds no Forge tables: migrate first. */
  schemaMissing: 'FORGE_STORAGE_SCHEMA_MISSING',
  /** The tables are older than this version needs: migrate first. */
  schemaOlder: 'FORGE_STORAGE_SCHEMA_OLDER',
  /** The tables were migrated by a newer version, which this one cannot write to. */
  schemaNewer: 'FORGE_STORAGE_SCHEMA_NEWER',
  /** An option or a URL parameter is wrong; the message names it and what is allowed. */
  optionInvalid: 'FORGE_STORAGE_OPTION_INVALID',
  /** A query's value is out of range; the message names it and what is allowed. */
  queryInvalid: 'FORGE_STORAGE_QUERY_INVALID',
  /** A cursor that is no cursor of this query. */
  cursorInvalid: 'FORGE_STORAGE_CURSOR_INVALID',
  /** The store was closed. */
  closed: 'FORGE_STORAGE_CLOSED',
} as const;
export type StorageCode = (typeof StorageCode)[keyof typeof StorageCode];

/** A ForgeError with one of the codes above. `retryable` only where the same call may succeed later. */
export function storageError(
  code: StorageCode,
  message: string,
  options: { cause?: unknown; retryable?: boolean } = {},
): ForgeError {
  return new ForgeError(code, message, options);
}
