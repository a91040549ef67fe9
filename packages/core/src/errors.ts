/**
 * The one error class of every `@forge/*` package.
 * Detect by `code`, not by `instanceof`: two copies of a package may be loaded at once.
 */
export class ForgeError extends Error {
  /** Stable, upper snake case, prefixed: `FORGE_STORAGE_TIMEOUT`. Each package lists its own in one `errors.ts`. */
  readonly code: string;
  /** Whether the same call may succeed later without any change. */
  readonly retryable: boolean;

  constructor(code: string, message: string, options: { cause?: unknown; retryable?: boolean } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ForgeError';
    this.code = code;
    this.retryable = options.retryable ?? false;
  }
}

/** Whether `error` is a ForgeError of any loaded copy of this package, with this `code` where one is given. */
export function isForgeError(error: unknown, code?: string): error is ForgeError {
  if (!(error instanceof Error) || error.name !== 'ForgeError') return false;
  return code === undefined || (error as ForgeError).code === code;
}
