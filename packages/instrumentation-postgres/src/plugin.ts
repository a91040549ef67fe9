import { activeHost, type Instrumentation, type InstrumentationHost } from '@forge/instrumentation';
import type { DriverSql } from './driver.ts';
import { traceSql } from './traced-sql.ts';

type Factory = (...args: unknown[]) => DriverSql;

/** Traces the clients of postgres.js that are made after it is enabled, and those given to `tracePostgres`. */
export function postgres(): Instrumentation {
  return {
    name: 'postgres',
    supports: [{ module: 'postgres', versions: '>=3.4.0 <4' }],
    enable(host) {
      host.onModule('postgres', (exports) => replaceFactory(exports, host));
      return () => undefined;
    },
  };
}

/** postgres.js exports one function: as `module.exports` to CommonJS, as `default` to ES modules. */
function replaceFactory(exports: unknown, host: InstrumentationHost): unknown {
  if (typeof exports === 'function') return tracedFactory(exports as Factory, host);
  const namespace = exports as { default?: unknown };
  if (typeof namespace.default !== 'function') return undefined;
  return { ...namespace, default: tracedFactory(namespace.default as Factory, host) };
}

/** A proxy, so that what hangs on the function (`postgres.camel`, `postgres.BigInt`) is there too. */
function tracedFactory(factory: Factory, host: InstrumentationHost): Factory {
  // A client outlives the tracer that was there when it was made.
  const findHost = (): InstrumentationHost | undefined => (host.active ? host : activeHost('postgres'));
  return new Proxy(factory, {
    apply(target, self, args: unknown[]) {
      const sql = Reflect.apply(target, self, args);
      const database = sql.options?.database;
      return host.active ? traceSql(sql, typeof database === 'string' ? database : undefined, findHost) : sql;
    },
  });
}
