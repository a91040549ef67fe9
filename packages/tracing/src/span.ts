import { context, trace } from '@opentelemetry/api';
import { SpanHandle, type Tags } from './span-handle.ts';

const SCOPE = '@forge/tracing';

/**
 * Runs `fn` in a new span, a child of the active one, and ends it when `fn` is done: when it returns or throws, or
 * when its promise settles. What it throws is recorded in the span and thrown on, untouched.
 * Without `fn` it only starts the span: hand it to `instrument`, or end it yourself.
 * With no tracer in the process `fn` simply runs.
 *
 * @param name of low cardinality: `process_items`, not `process item 17`
 * @param tags what tells this one from the others: `{ item_id: item.id }`
 */
export function span(name: string, tags?: Tags): SpanHandle;
export function span<T>(name: string, fn: (span: SpanHandle) => T): T;
export function span<T>(name: string, tags: Tags, fn: (span: SpanHandle) => T): T;
export function span<T>(
  name: string,
  tagsOrFn?: Tags | ((span: SpanHandle) => T),
  fn?: (span: SpanHandle) => T,
): T | SpanHandle {
  const body = typeof tagsOrFn === 'function' ? tagsOrFn : fn;
  const handle = new SpanHandle(trace.getTracer(SCOPE).startSpan(name));
  if (typeof tagsOrFn === 'object') handle.record(tagsOrFn);
  return body === undefined ? handle : instrument(body, handle);
}

/**
 * Runs `fn` now with `span` active and ends the span when `fn` is done, as `span(name, fn)` does.
 * @returns what `fn` returns; a promise stays a promise
 */
export function instrument<T>(fn: (span: SpanHandle) => T, span: SpanHandle): T {
  let result: T;
  try {
    result = context.with(trace.setSpan(context.active(), span.otel), () => started(fn(span)));
  } catch (error) {
    span.fail(error).end();
    throw error;
  }
  if (!isThenable(result)) {
    span.end();
    return result;
  }
  return result.then(
    (value) => {
      span.end();
      return value;
    },
    (error: unknown) => {
      span.fail(error).end();
      throw error;
    },
  ) as T;
}

/** A lazy thenable (a query builder) starts its work when it is asked: that must happen within the span. */
function started<T>(result: T): T {
  return isThenable(result) && !(result instanceof Promise) ? (Promise.resolve(result) as T) : result;
}

/** The active span; one that does nothing where there is none. */
export function currentSpan(): SpanHandle {
  return new SpanHandle(trace.getActiveSpan() ?? NO_SPAN);
}

const NO_SPAN = trace.wrapSpanContext({ traceId: '0'.repeat(32), spanId: '0'.repeat(16), traceFlags: 0 });

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    (typeof value === 'object' || typeof value === 'function') &&
    value !== null &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}
