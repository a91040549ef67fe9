import { cut, type SpanLimits } from './limits.ts';

/**
 * What a thrown value says of itself, as attributes of an `exception` event by OpenTelemetry's names.
 * Anything may be thrown: a string, null, a proxy whose getters throw. Never throws itself.
 */
export function describeException(thrown: unknown, limits: SpanLimits): unknown[] {
  const list: unknown[] = [];
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
      list.push('exception.type', cut(type, limits.maxValueLength));
      list.push(
        'exception.message',
        cut(typeof message === 'string' ? message : Object.prototype.toString.call(thrown), limits.maxValueLength),
      );
      if (typeof code === 'string' || typeof code === 'number')
        list.push('exception.code', typeof code === 'string' ? cut(code, limits.maxValueLength) : code);
      if (typeof stack === 'string') list.push('exception.stacktrace', cut(stack, limits.maxStackLength));
      return list;
    }
    list.push(
      'exception.type',
      thrown === null ? 'null' : typeof thrown,
      'exception.message',
      cut(String(thrown), limits.maxValueLength),
    );
  } catch {
    if (list.length === 0) list.push('exception.type', 'unknown');
    if (!list.includes('exception.message')) list.push('exception.message', 'a thrown value that cannot be read');
  }
  return list;
}
