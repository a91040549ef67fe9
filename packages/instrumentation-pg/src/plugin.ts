import { activeHost, patchMethod, type Instrumentation, type InstrumentationHost } from '@forge/instrumentation';
import { setOptions, type PgOptions } from './options.ts';
import { isTracedInstance } from './trace-pg.ts';
import { tracedClientQuery, tracedPoolConnect, tracedPoolQuery, type FindHost } from './traced-methods.ts';

type Method = (this: never, ...args: never[]) => unknown;
type Class = abstract new (...args: never[]) => object;

/** Traces node-postgres: pools, clients, cursors, streams and COPY, and what is given to `tracePg`. */
export function pg(options: PgOptions = {}): Instrumentation {
  return {
    name: 'pg',
    supports: [
      { module: 'pg', versions: '>=8.6 <9' },
      { module: 'pg-pool', versions: '>=3.3 <4' },
    ],
    enable(host) {
      setOptions(host, options);
      const undos: (() => void)[] = [];
      const patched = new Set<object>();
      const patchOnce = (prototype: object, patch: () => (() => void)[]): void => {
        if (patched.has(prototype)) return;
        patched.add(prototype);
        undos.push(...patch());
      };
      host.onModule('pg', (exports) => {
        const { Client, Pool } = moduleOf(exports) as { Client?: Class; Pool?: Class };
        if (Client !== undefined) patchOnce(Client.prototype as object, () => patchClient(Client, host));
        const base = Pool && (Object.getPrototypeOf(Pool) as Class);
        if (base !== undefined) patchOnce(base.prototype as object, () => patchPool(base, host));
      });
      host.onModule('pg-pool', (exports) => {
        const Pool = moduleOf(exports) as Class;
        if (typeof Pool === 'function') patchOnce(Pool.prototype as object, () => patchPool(Pool, host));
      });
      return () => undos.forEach((undo) => undo());
    },
  };
}

/** The module itself, or the namespace around it. */
function moduleOf(exports: unknown): object {
  const inner = (exports as { default?: unknown } | null)?.default;
  return inner ?? exports ?? {};
}

function patchClient(Client: Class, host: InstrumentationHost): (() => void)[] {
  return [
    patchMethod(Client.prototype as object, 'query', (original) =>
      unlessTraced(original, tracedClientQuery(original, running(host))),
    ),
  ];
}

function patchPool(Pool: Class, host: InstrumentationHost): (() => void)[] {
  const prototype = Pool.prototype as object;
  const findHost = running(host);
  return [
    patchMethod(prototype, 'connect', (original) =>
      unlessTraced(
        original,
        tracedPoolConnect(original, findHost, () => undefined),
      ),
    ),
    patchMethod(prototype, 'query', (original) => unlessTraced(original, tracedPoolQuery(original, findHost))),
  ];
}

function running(host: InstrumentationHost): FindHost {
  return () => (host.active ? host : undefined);
}

/** An instance that `tracePg` traces calls its class's method from its own: once is enough. */
function unlessTraced(original: Method, wrapped: Method): Method {
  return function (this: object, ...args: never[]) {
    return Reflect.apply(isTracedInstance(this) && activeHost('pg') !== undefined ? original : wrapped, this, args);
  };
}
