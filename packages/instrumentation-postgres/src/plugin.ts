import { activeHost, replaceDefault, type Instrumentation, type InstrumentationHost } from '@forge/instrumentation';
import { clientInfo, type DriverSql } from './driver.ts';
import { setOptions, type PostgresOptions } from './options.ts';
import { traceSql } from './traced-sql.ts';

type Factory = (...args: unknown[]) => DriverSql;

/** Traces the clients of postgres.js that are made after it is enabled, and those given to `tracePostgres`. */
export function postgres(options: PostgresOptions = {}): Instrumentation {
  return {
    name: 'postgres',
    supports: [{ module: 'postgres', versions: '>=3.4.0 <4' }],
    enable(host) {
      setOptions(host, options);
      const undos: (() => void)[] = [];
      host.onModule('postgres', (exports) => {
        // One function is all that postgres.js exports.
        const replaced = replaceDefault<Factory>(exports, (factory) => tracedFactory(factory, host));
        undos.push(replaced.undo);
        return replaced.exports;
      });
      return () => undos.forEach((undo) => undo());
    },
  };
}

/** A proxy, so that what hangs on the function (`postgres.camel`, `postgres.BigInt`) is there too. */
function tracedFactory(factory: Factory, host: InstrumentationHost): Factory {
  // A client outlives the tracer that was there when it was made.
  const findHost = (): InstrumentationHost | undefined => (host.active ? host : activeHost('postgres'));
  return new Proxy(factory, {
    apply(target, self, args: unknown[]) {
      const sql = Reflect.apply(target, self, args);
      return host.active ? traceSql(sql, clientInfo(sql, findHost)) : sql;
    },
  });
}
