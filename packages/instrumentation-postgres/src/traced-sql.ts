import { activeContext } from '@forge/core';
import { activeHost } from '@forge/instrumentation';
import { clientInfo, isDriverQuery, type ClientInfo, type DriverSql, type QueryHandler } from './driver.ts';
import { traceHandler } from './traced-query.ts';

type Method = (...args: unknown[]) => unknown;

const proxies = new WeakMap<object, object>();
const traced = new WeakSet<object>();

/**
 * Traces every query of a postgres.js client: `const sql = tracePostgres(postgres(url))`.
 *
 * Use what it returns in place of `sql`; it is the same client, with the same options, types and helpers, and the
 * clients that `begin`, `savepoint` and `reserve` hand out are traced too. Does nothing while no tracer with the
 * `postgres()` plugin runs. Calling it again with either returns the same.
 */
export function tracePostgres<S extends (...args: never[]) => unknown>(sql: S): S {
  const driver = sql as unknown as DriverSql;
  const info = clientInfo(driver, () => activeHost('postgres'));
  return traceSql(driver, info) as unknown as S;
}

/** As `tracePostgres`, for a client that is known already. */
export function traceSql(sql: DriverSql, client: ClientInfo): DriverSql {
  if (traced.has(sql)) return sql;
  const known = proxies.get(sql);
  if (known !== undefined) return known as DriverSql;
  const proxy = new Proxy(sql, new SqlTraps(client));
  proxies.set(sql, proxy);
  traced.add(proxy);
  return proxy;
}

class SqlTraps implements ProxyHandler<DriverSql> {
  readonly #client: ClientInfo;
  /** Wrapped methods by name, each with the method it wraps: they must stay the same from one look to the next. */
  readonly #methods = new Map<string, { original: unknown; wrapped: Method }>();
  #handler: QueryHandler | undefined = undefined;
  #tracedHandler: QueryHandler | undefined = undefined;

  constructor(client: ClientInfo) {
    this.#client = client;
  }

  apply(sql: DriverSql, self: unknown, args: unknown[]): unknown {
    const made = Reflect.apply(sql, self, args);
    const [template] = args;
    if (isTemplate(template) && !showsItsCaller.has(template)) {
      showsItsCaller.add(template);
      showCaller(made, SqlTraps.prototype.apply);
    }
    return this.#marked(made);
  }

  get(sql: DriverSql, key: string | symbol): unknown {
    const value: unknown = Reflect.get(sql, key);
    if (typeof key === 'symbol' || typeof value !== 'function' || !isWrapped(key)) return value;
    const known = this.#methods.get(key);
    if (known !== undefined && known.original === value) return known.wrapped;
    const wrapped = this.#wrap(key, value as Method);
    Object.defineProperties(wrapped, {
      name: { value: value.name, configurable: true },
      length: { value: value.length, configurable: true },
    });
    this.#methods.set(key, { original: value, wrapped });
    return wrapped;
  }

  #wrap(key: WrappedMethod, method: Method): Method {
    switch (key) {
      case 'unsafe':
      case 'file':
        return (...args) => this.#marked(method(...args));
      case 'reserve':
        return async (...args) => this.#trace(await method(...args));
      case 'begin':
      case 'savepoint':
        return (...args) => this.#scope(method, args);
    }
  }

  /** `begin(options?, fn)` and `savepoint(name?, fn)`: the client that `fn` is given is traced too. */
  #scope(method: Method, args: unknown[]): unknown {
    if (isTemplate(args[0]))
      return method((sql: unknown) => Reflect.apply(this.#trace(sql) as Method, undefined, args));
    const last = args.length - 1;
    const fn = args[last];
    if (typeof fn !== 'function') return method(...args);
    return method(...args.slice(0, last), (sql: unknown) => (fn as Method)(this.#trace(sql)));
  }

  #trace(sql: unknown): unknown {
    return typeof sql === 'function' ? traceSql(sql as DriverSql, this.#client) : sql;
  }

  /** Puts the traced handler into a query that was just made; helpers and identifiers pass. */
  #marked(made: unknown): unknown {
    if (!isDriverQuery(made)) return made;
    const handler = made.handler;
    if (handler !== this.#handler) {
      this.#handler = handler;
      this.#tracedHandler = traceHandler(handler, this.#client);
    }
    made.handler = this.#tracedHandler!;
    made.forgeContext = activeContext();
    return made;
  }
}

// Templates whose remembered origin has the caller's line.
const showsItsCaller = new WeakSet<object>();

/**
 * postgres.js remembers for each template where it was first used, in four lines of a stack, and adds them to errors:
 * with the proxy between, the fourth is ours. The caller's follows it.
 */
function showCaller(query: unknown, below: unknown): void {
  if (typeof query !== 'object' || query === null) return;
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 1;
  const caller = { stack: '' };
  Error.captureStackTrace(caller, below as () => void);
  Error.stackTraceLimit = limit;
  for (const key of Object.getOwnPropertySymbols(query)) {
    const origin: unknown = Reflect.get(query, key);
    if (origin instanceof Error) origin.stack += caller.stack.slice(caller.stack.indexOf('\n'));
  }
}

type WrappedMethod = 'unsafe' | 'file' | 'reserve' | 'begin' | 'savepoint';

function isWrapped(key: string): key is WrappedMethod {
  return key === 'unsafe' || key === 'begin' || key === 'savepoint' || key === 'reserve' || key === 'file';
}

function isTemplate(value: unknown): value is object {
  return Array.isArray(value) && Array.isArray((value as unknown as { raw?: unknown }).raw);
}
