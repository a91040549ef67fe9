import { activeContext, ForgeContextManager, isSuppressed, runInContext } from '@forge/core';
import type { InstrumentationHost } from '@forge/instrumentation';
import { createContextKey, type Context } from '@opentelemetry/api';
import { takesSqlComment } from '@forge/instrumentation/sql';
import { isSubmittable, type Callback, type PgClient, type PgPool } from './driver.ts';
import { optionsOf } from './options.ts';
import { QuerySpan, rowsOf } from './query-span.ts';
import { bindSubmittable, observeCallback, observeSubmittable } from './submittable.ts';

/** Finds the running plugin at each call. */
export type FindHost = () => InstrumentationHost | undefined;

type Method = (this: never, ...args: never[]) => unknown;

const contexts = new ForgeContextManager();

/** A query on its way from the pool to the client that will run it: one span for both. */
interface PoolQuery {
  readonly text: unknown;
  readonly span: QuerySpan;
  readonly mustWait: boolean;
  taken: boolean;
}
const POOL_QUERY = createContextKey('forge pg pool query');

/** How long a client was waited for, until its first query says so. */
const clientWaitMs = new WeakMap<object, number>();

/** client.query(text | config | submittable, values?, callback?) */
export function tracedClientQuery(original: Method, findHost: FindHost): Method {
  return function (this: PgClient, ...args: unknown[]) {
    const call = (): unknown => Reflect.apply(original, this, args);
    const host = findHost();
    const [config] = args;
    if (host === undefined || config === null || config === undefined) return call();
    const context = activeContext();
    const callbackAt = args.findLastIndex((arg, i) => i > 0 && typeof arg === 'function');

    const fromPool = poolQueryOf(context, config);
    if (isSuppressed(context)) {
      bindCallbacks(args, callbackAt, context);
      return call();
    }
    const span = fromPool?.span ?? QuerySpan.start(host, context);
    if (span === undefined) {
      bindCallbacks(args, callbackAt, context);
      return call();
    }
    span.describe(textOf(config), this.database ?? this.connectionParameters?.database);
    if (fromPool !== undefined) {
      fromPool.taken = true;
      if (fromPool.mustWait) span.waited();
    } else takeWait(this, span);

    const observe: Callback = (error, result) => {
      if (error) span.fail(error);
      else span.succeed(rowsOf(result));
    };
    try {
      if (optionsOf(host).sqlcommenter === true) args[0] = withComment(config, span, context);
      if (isSubmittable(config)) {
        bindCallbacks(args, callbackAt, context);
        observeSubmittable(config, span);
        return call();
      }
      if (callbackAt > 0) {
        args[callbackAt] = observeCallback(args[callbackAt] as Callback, context, observe);
        return call();
      }
      if (typeof config === 'object' && typeof (config as { callback?: unknown }).callback === 'function') {
        // A copy by its prototype: the application's object may be used again, and its fields may be getters.
        const { callback } = config as { callback: Callback };
        args[0] = Object.create(args[0] as object, {
          callback: own(observeCallback(callback, context, observe)),
        }) as object;
        return call();
      }
      return settled(call(), observe);
    } catch (error) {
      span.fail(error);
      throw error;
    }
  };
}

/** pool.query(text | config, values?, callback?): waits for a client, then asks it. */
export function tracedPoolQuery(original: Method, findHost: FindHost): Method {
  return function (this: PgPool, ...args: unknown[]) {
    const host = findHost();
    const [text] = args;
    const context = activeContext();
    if (
      host === undefined ||
      typeof text === 'function' ||
      text === null ||
      text === undefined ||
      isSuppressed(context)
    ) {
      return Reflect.apply(original, this, args);
    }
    const span = QuerySpan.start(host, context);
    if (span === undefined) return Reflect.apply(original, this, args);
    const query: PoolQuery = { text, span, mustWait: this.idleCount <= this.waitingCount, taken: false };
    const observe: Callback = (error) => {
      // Once a client has taken the query, it knows more of the outcome.
      if (query.taken) return;
      span.describe(textOf(text), undefined);
      if (error) span.fail(error);
      else span.succeed(undefined);
    };
    const callbackAt = args.findLastIndex((arg) => typeof arg === 'function');
    if (callbackAt > 0) args[callbackAt] = observeCallback(args[callbackAt] as Callback, context, observe);
    const result = runInContext(context.setValue(POOL_QUERY, query), () => Reflect.apply(original, this, args));
    return callbackAt > 0 ? result : settled(result, observe);
  };
}

/** pool.connect(callback?): a busy pool calls back in the context of whoever released the client. */
export function tracedPoolConnect(original: Method, findHost: FindHost, onClient: (client: object) => void): Method {
  return function (this: PgPool, ...args: unknown[]) {
    const [callback] = args;
    if (findHost() === undefined) return Reflect.apply(original, this, args);
    const context = activeContext();
    const mustWait = this.idleCount <= this.waitingCount && context.getValue(POOL_QUERY) === undefined;
    const startMs = mustWait ? performance.now() : 0;
    const arrived = (client: unknown): void => {
      if (typeof client !== 'object' || client === null) return;
      onClient(client);
      if (mustWait) clientWaitMs.set(client, performance.now() - startMs);
    };
    if (typeof callback === 'function') {
      args[0] = observeCallback(callback as Callback, context, (_error, client) => arrived(client));
      return Reflect.apply(original, this, args);
    }
    return settled(Reflect.apply(original, this, args), (_error, client) => arrived(client));
  };
}

/** The query with the comment appended to its text; as it is where it is prepared, or has a comment. */
function withComment(config: unknown, span: QuerySpan, context: Context): unknown {
  const text = textOf(config);
  if (typeof text !== 'string' || !takesSqlComment(text)) return config;
  if (typeof config === 'string') return text + span.comment(context);
  const target = config as { name?: unknown; text?: unknown; cursor?: { text?: unknown } };
  if (target.name !== undefined && target.name !== null) return config;
  const commented = text + span.comment(context);
  if (!isSubmittable(config)) return Object.create(target, { text: own(commented) }) as object;
  if (target.text === undefined && target.cursor !== undefined) target.cursor.text = commented;
  else target.text = commented;
  return config;
}

function takeWait(client: object, span: QuerySpan): void {
  const waitMs = clientWaitMs.get(client);
  if (waitMs === undefined) return;
  clientWaitMs.delete(client);
  span.waited(waitMs);
}

/** The pool's query that `config` is, if it is the one: a pool's own listeners ask things of the client first. */
function poolQueryOf(context: Context, config: unknown): PoolQuery | undefined {
  const query = context.getValue(POOL_QUERY) as PoolQuery | undefined;
  return query !== undefined && !query.taken && query.text === config ? query : undefined;
}

function bindCallbacks(args: unknown[], callbackAt: number, context: Context): void {
  if (callbackAt > 0) args[callbackAt] = contexts.bind(context, args[callbackAt]);
  if (isSubmittable(args[0])) bindSubmittable(args[0], context);
}

/** A stream's text is its cursor's. */
function textOf(config: unknown): unknown {
  if (typeof config === 'string') return config;
  const { text, cursor } = config as { text?: unknown; cursor?: { text?: unknown } };
  return text ?? cursor?.text;
}

/** The promise that the application gets, with `observe` told first. */
function settled(promise: unknown, observe: Callback): unknown {
  if (typeof (promise as PromiseLike<unknown> | undefined)?.then !== 'function') return promise;
  return (promise as Promise<unknown>).then(
    (value) => {
      observe(undefined, value);
      return value;
    },
    (error: unknown) => {
      observe(error ?? new Error('rejected without a reason'));
      throw error;
    },
  );
}

function own(value: unknown): PropertyDescriptor {
  return { value, configurable: true, enumerable: true, writable: true };
}
