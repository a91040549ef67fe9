import { contextWithSpan, runInContext, type Span } from '@forge/core';
import type { Context } from '@opentelemetry/api';
import type { InstrumentationHost } from './contract.ts';

/**
 * Runs `fn` with `span` active and ends the span when `fn` returns or throws, or when its promise settles. The result
 * and the error are the application's, untouched; a fault of the span itself goes to `host.fail`.
 *
 * A lazy thenable (a query builder's) is awaited within the span: what it does then belongs there.
 *
 * @param context where the span becomes active, as a rule the one it was started in
 * @param finish sets what is known of the outcome, before the span ends
 * @param isFailure whether what was thrown is one: libraries throw for other reasons too; everything by default
 */
export function runInSpan<R>(
  host: InstrumentationHost,
  span: Span,
  context: Context,
  fn: () => R,
  finish?: (span: Span, result: Awaited<R>) => void,
  isFailure: (error: unknown) => boolean = () => true,
): R {
  const succeed = (result: Awaited<R>): void => {
    try {
      finish?.(span, result);
      span.end();
    } catch (fault) {
      host.fail('span end', fault);
    }
  };
  const fail = (error: unknown): void => {
    try {
      if (isFailure(error)) span.fail(error);
      span.end();
    } catch (fault) {
      host.fail('span end', fault);
    }
  };
  return runInContext(contextWithSpan(context, span), () => {
    let result: R;
    try {
      result = fn();
    } catch (error) {
      fail(error);
      throw error;
    }
    if (!isThenable(result)) {
      succeed(result as Awaited<R>);
      return result;
    }
    // A builder's `then` may return anything, or nothing.
    const promise =
      result instanceof Promise ? result : new Promise((resolve, reject) => void result.then(resolve, reject));
    return promise.then(
      (value: unknown) => {
        succeed(value as Awaited<R>);
        return value;
      },
      (error: unknown) => {
        fail(error);
        throw error;
      },
    ) as R;
  });
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}
