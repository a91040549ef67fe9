/** The error's SQLSTATE (`23505`) or the driver's own code (`CONNECTION_CLOSED`); undefined where it has none. Never throws. */
export function sqlErrorCode(error: unknown): string | undefined {
  try {
    const code = (error as { code?: unknown } | null | undefined)?.code;
    return typeof code === 'string' ? code : undefined;
  } catch {
    return undefined;
  }
}
