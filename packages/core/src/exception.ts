import { cut, type SpanLimits } from './limits.ts';
import type { Redactor } from './redaction.ts';

/** How a thrown value is to be shown. */
interface Rules {
  readonly limits: SpanLimits;
  readonly redactor: Redactor;
}

/**
 * What a thrown value says of itself, as attributes of an `exception` event by OpenTelemetry's names.
 * Anything may be thrown: a string, null, a proxy whose getters throw. Never throws itself.
 */
export function describeException(thrown: unknown, { limits, redactor }: Rules): unknown[] {
  const list: unknown[] = [];
  const text = (given: string, maxLength: number): string => redactor.text(cut(given, maxLength));
  try {
    if (typeof thrown === 'object' && thrown !== null) {
      const { name, message, stack, code } = thrown as {
        name?: unknown;
        message?: unknown;
        stack?: unknown;
        code?: unknown;
      };
      const type =
        typeof name === 'string' && name !== 'Error' && name !== '' ? name : (thrown.constructor?.name ?? 'Error');
      const said = typeof message === 'string' ? message : Object.prototype.toString.call(thrown);
      const safe = quotesValues(code) ? withoutValues(said) : said;
      list.push('exception.type', cut(type, limits.maxValueLength));
      list.push('exception.message', text(safe, limits.maxValueLength));
      if (typeof code === 'string' || typeof code === 'number')
        list.push('exception.code', typeof code === 'string' ? cut(code, limits.maxValueLength) : code);
      // A function as the replacement: `$&` in a message stays what it is.
      if (typeof stack === 'string')
        list.push(
          'exception.stacktrace',
          text(safe === said ? stack : stack.replace(said, () => safe), limits.maxStackLength),
        );
      return list;
    }
    list.push(
      'exception.type',
      thrown === null ? 'null' : typeof thrown,
      'exception.message',
      text(String(thrown), limits.maxValueLength),
    );
  } catch {
    if (list.length === 0) list.push('exception.type', 'unknown');
    if (!list.includes('exception.message')) list.push('exception.message', 'a thrown value that cannot be read');
  }
  return list;
}

/**
 * PostgreSQL quotes a rejected value in the messages of class 22 (data exception) and of syntax errors, in the server's
 * language: `invalid input syntax for type integer: "4111 1111"`. Other classes name tables and constraints only.
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
