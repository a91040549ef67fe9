import { patchMethod } from '@forge/instrumentation';
import { ForgeContextManager } from '@forge/core';
import type { Context } from '@opentelemetry/api';
import type { EventEmitter } from 'node:events';
import type { Callback, Submittable } from './driver.ts';
import type { QuerySpan } from './query-span.ts';

const contexts = new ForgeContextManager();

/**
 * Lets a query's events, callbacks and steps run in `context`: a client tells of answers in the context of whoever
 * opened its connection. Once is enough, however often the query is handed on.
 */
export function bindSubmittable(query: Submittable & Partial<EventEmitter>, context: Context): void {
  if (bound.has(query)) return;
  bound.add(query);
  contexts.bind(context, query);
  if (typeof query.callback === 'function') query.callback = contexts.bind(context, query.callback);
  // A cursor's `read(rows, callback)` and `close(callback)` belong to who calls them.
  patchLastCallback(query, 'read');
  patchLastCallback(query, 'close');
}

const bound = new WeakSet<object>();

function patchLastCallback(query: Submittable, name: 'read' | 'close'): void {
  if (typeof query[name] !== 'function' || 'pipe' in query) return;
  patchMethod(query, name, (original) => {
    return function (this: unknown, ...args: unknown[]) {
      const last = args.length - 1;
      if (typeof args[last] === 'function') args[last] = contexts.bind(contexts.active(), args[last]);
      return Reflect.apply(original, this, args);
    };
  });
}

/** Ends `span` when the client says that the query is over; rows are counted as they come. */
export function observeSubmittable(query: Submittable, span: QuerySpan): void {
  let rows = 0;
  let changed: number | undefined;
  const count = (): number | undefined => (rows > 0 ? rows : changed);
  if (typeof query.handleDataRow === 'function') {
    before(query, 'handleDataRow', () => {
      rows++;
    });
  }
  if (typeof query.handleCommandComplete === 'function') {
    before(query, 'handleCommandComplete', (message: { text?: string } | undefined) => {
      changed = countOf(message?.text) ?? changed;
    });
  }
  before(query, 'handleError', (error: unknown) => span.fail(error, rows > 0 ? rows : undefined));
  before(query, 'handleReadyForQuery', () => span.succeed(count()));
}

/** The number that ends a command tag: `INSERT 0 5`, `COPY 7`. */
function countOf(tag: string | undefined): number | undefined {
  const number = tag?.slice(tag.lastIndexOf(' ') + 1) ?? '';
  return /^\d+$/.test(number) ? Number(number) : undefined;
}

function before(query: Submittable, name: keyof Submittable, act: (...args: never[]) => void): void {
  patchMethod(query, name, (original) => {
    return function (this: unknown, ...args: never[]) {
      act(...args);
      return Reflect.apply(original, this, args);
    };
  });
}

/** `callback` in `context`, with `observe` told the outcome first. */
export function observeCallback(callback: Callback, context: Context, observe: Callback): Callback {
  const inContext = contexts.bind(context, callback);
  return function (this: unknown, ...args: Parameters<Callback>) {
    observe(...args);
    return Reflect.apply(inContext, this, args);
  };
}
