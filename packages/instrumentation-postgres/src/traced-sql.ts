import { activeContext } from '@forge/core';
import { activeHost } from '@forge/instrumentation';
import { isDriverQuery, type DriverSql, type QueryHandler } from './driver.ts';
import { traceHandler, type FindHost } from './traced-query.ts';

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
  const database = driver.options?.database;
  return traceSql(driver, typeof database === 'string' ? database : undefined, () =>
    activeHost('postgres'),
  ) as unknown as S;
}

/** As `tracePostgres`, with the plugin looked up by `findHost`. */
export function traceSql(sql: DriverSql, database: string | undefined, findHost: FindHost): DriverSql {
  if (traced.has(sql)) return sql;
  const known = proxies.get(sql);
  if (known !== undefined) return known as DriverSql;
  const proxy = new Proxy(sql, new SqlTraps(database, findHost));
  proxies.set(sql, proxy);
  traced.add(proxy);
  return proxy;
}

class SqlTraps implements ProxyHandler<DriverSql> {
  readonly #database: string | undefined;
  readonly #findHost: FindHost;
  /** Wrapped methods by name, each with the method it wraps: they must stay the same from one look to the next. */
  readonly #methods = new Map<string, { original: unknown; wrapped: Method }>();
  #handler: QueryHandler | undefined = undefined;
  #tracedHandler: QueryHandler | undefined = undefined;

  constructor(database: string | undefined, findHost: FindHost) {
    this.#database = database;
    this.#findHost = findHost;
  }

  apply(sql: DriverSql, self: unknown, args: unknown[]): unknown {
    return this.#marked(Reflect.apply(sql, self, args));
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
    return typeof sql === 'function' ? traceSql(sql as DriverSql, this.#database, this.#findHost) : sql;
  }

  /** Puts the traced handler into a query that was just made; helpers and identifiers pass. */
  #marked(made: unknown): unknown {
    if (!isDriverQuery(made)) return made;
    const handler = made.handler;
    if (handler !== this.#handler) {
      this.#handler = handler;
      this.#tracedHandler = traceHandler(handler, this.#database, this.#findHost);
    }
    made.handler = this.#tracedHandler!;
    made.forgeContext = activeContext();
    return made;
  }
}

type WrappedMethod = 'unsafe' | 'file' | 'reserve' | 'begin' | 'savepoint';

function isWrapped(key: string): key is WrappedMethod {
  return key === 'unsafe' || key === 'begin' || key === 'savepoint' || key === 'reserve' || key === 'file';
}

function isTemplate(value: unknown): boolean {
  return Array.isArray(value) && Array.isArray((value as unknown as { raw?: unknown }).raw);
}
