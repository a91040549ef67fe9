import { ForgeError } from '@forge/core';

/** Codes of this package's errors. `INVALID`: not of the format. `TOO_LARGE`: more or deeper than the limits allow. */
export type FormatErrorCode = 'FORGE_FORMAT_INVALID' | 'FORGE_FORMAT_TOO_LARGE' | 'FORGE_FORMAT_UNKNOWN';

/** @param message says what is wrong and where: shown to whoever sent the data */
export function formatError(code: FormatErrorCode, message: string, cause?: unknown): ForgeError {
  return new ForgeError(code, message, { cause });
}
