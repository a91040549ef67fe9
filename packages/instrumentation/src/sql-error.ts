/**
 * PostgreSQL quotes a rejected value in the messages of class 22 (data exception) and of syntax errors:
 * `invalid input syntax for type integer: "4111 1111"`. Other classes name tables, columns and constraints only.
 */
function quotesValues(code: unknown): boolean {
  return typeof code === 'string' && code.length === 5 && (code.startsWith('22') || code === '42601');
}

/** `message` with what stands from its first double quote to its last, and hexadecimal bytes, replaced. */
function withoutValues(message: string): string {
  const first = message.indexOf('"');
  const last = message.lastIndexOf('"');
  const quoted = last > first ? `${message.slice(0, first)}"?"${message.slice(last + 1)}` : message;
  return quoted.replaceAll(/0x[0-9a-f]+/gi, '?');
}

/**
 * What a span may record of a database's error: the error itself, or, where its message quotes a value of the query,
 * a stand-in of the same name, code and stack without it. Never throws.
 */
export function recordableSqlError(error: unknown): unknown {
  try {
    if (typeof error !== 'object' || error === null) return error;
    const { name, message, stack, code } = error as Record<string, unknown>;
    if (!quotesValues(code) || typeof message !== 'string') return error;
    const safe = withoutValues(message);
    // A function as the replacement: `$&` in a message must stay what it is.
    return {
      name,
      message: safe,
      code,
      stack: typeof stack === 'string' ? stack.replace(message, () => safe) : undefined,
    };
  } catch {
    return { name: 'Error', message: 'a database error that cannot be read' };
  }
}

/** The error's SQLSTATE (`23505`) or the driver's own code (`CONNECTION_CLOSED`); undefined where it has none. Never throws. */
export function sqlErrorCode(error: unknown): string | undefined {
  try {
    const code = (error as { code?: unknown } | null | undefined)?.code;
    return typeof code === 'string' ? code : undefined;
  } catch {
    return undefined;
  }
}
