import type { Propagation } from '@forge/core';
import type { Context } from '@opentelemetry/api';

/**
 * The trace context as a comment by the sqlcommenter format: `/*traceparent='00-..-..-01',tracestate='..'*\/`.
 * Empty where there is no trace. The database's own log and pg_stat_activity then name the trace.
 *
 * @see https://google.github.io/sqlcommenter/spec/
 */
export function sqlComment(propagation: Propagation, context: Context): string {
  const pairs: string[] = [];
  propagation.inject(context, (name, value) => {
    // Baggage may hold anything; it has no business in the database's log.
    if (name === 'traceparent' || name === 'tracestate') pairs.push(`${name}='${encode(value)}'`);
  });
  return pairs.length === 0 ? '' : ` /*${pairs.sort().join(',')}*/`;
}

/** Whether a comment may be appended: by the format not where there is one already. */
export function takesSqlComment(text: string): boolean {
  return !text.includes('/*') && !text.includes('--');
}

/** No quote and no `*` is left: nothing in a value can end the comment or the string. */
function encode(value: string): string {
  return encodeURIComponent(value).replaceAll("'", '%27').replaceAll('*', '%2A');
}
