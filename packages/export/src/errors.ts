import { ForgeError, isForgeError } from '@forge/core';

/** Codes of this package's errors. */
export type ExportErrorCode =
  | 'FORGE_EXPORT_FAILED'
  | 'FORGE_EXPORT_REFUSED'
  | 'FORGE_EXPORT_TIMEOUT'
  | 'FORGE_EXPORT_OPTION_INVALID'
  | 'FORGE_SPOOL_FAILED'
  | 'FORGE_SPOOL_RECORD_TOO_LARGE';

export interface ExportErrorOptions {
  /** Whether the same batch may be sent again. */
  readonly retryable: boolean;
  /** The other side asked to be left alone for this long, in milliseconds. */
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/** The error that an exporter rejects with: FORGE_EXPORT_FAILED where it may be tried again, else FORGE_EXPORT_REFUSED. */
export function exportError(message: string, options: ExportErrorOptions): ForgeError & { retryAfterMs?: number } {
  const code: ExportErrorCode = options.retryable ? 'FORGE_EXPORT_FAILED' : 'FORGE_EXPORT_REFUSED';
  const error: ForgeError & { retryAfterMs?: number } = new ForgeError(code, message, options);
  if (options.retryAfterMs !== undefined) error.retryAfterMs = options.retryAfterMs;
  return error;
}

/** An error of the queue or the spool itself. */
export function queueError(code: ExportErrorCode, message: string, cause?: unknown): ForgeError {
  return new ForgeError(code, message, { cause, retryable: code === 'FORGE_EXPORT_TIMEOUT' });
}

/** What is no ForgeError may be anything, a broken socket most likely: tried again, and given up by its strikes. */
export function isPermanent(error: unknown): boolean {
  return isForgeError(error) && !error.retryable;
}

/** The wait that the other side asked for, in milliseconds; 0 where it did not. */
export function retryAfterMsOf(error: unknown): number {
  const asked = (error as { retryAfterMs?: unknown } | null | undefined)?.retryAfterMs;
  return typeof asked === 'number' && asked > 0 ? asked : 0;
}

/** One line of any thrown value. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replaceAll(/\s+/g, ' ').slice(0, 300);
}
