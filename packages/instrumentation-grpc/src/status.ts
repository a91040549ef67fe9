/** gRPC's status names by their codes: https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
const NAMES: readonly string[] = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
];

export const OK = 0;
export const CANCELLED = 1;
export const DEADLINE_EXCEEDED = 4;

// The server's own failures; the other codes say that the caller asked for something it cannot have.
const SERVER_ERRORS: ReadonlySet<number> = new Set([2, 4, 12, 13, 14, 15]);

export function statusName(code: number): string {
  return NAMES[code] ?? `CODE_${code}`;
}

/** OpenTelemetry's rule for a server span. For a client every code but OK is an error. */
export function isServerError(code: number): boolean {
  return SERVER_ERRORS.has(code);
}
