import { activeHost } from '@forge/instrumentation';
import { captureLine, traceFields } from './line.ts';

type Mixin = (...args: unknown[]) => object;
type Write = (object: unknown, message: unknown, level: number) => unknown;
type Pino = (...args: unknown[]) => object;

const traced = new WeakSet<object>();

/**
 * Gives a pino logger, and the children it makes from now on, `trace_id` and `span_id`, and its lines to their spans.
 * Changes it in place and returns it. The application's own fields and mixin win over these.
 */
export function tracePino<L extends object>(logger: L): L {
  if (traced.has(logger)) return logger;
  const write = symbolOf(logger, 'pino.write');
  const mixin = symbolOf(logger, 'pino.mixin');
  if (write === undefined || mixin === undefined) return logger;
  traced.add(logger);

  const ownMixin = Reflect.get(logger, mixin) as Mixin | undefined;
  const tracedMixin: Mixin = (...args) => ({ ...traceFields(), ...ownMixin?.(...args) });
  Reflect.set(logger, mixin, tracedMixin);

  // Called with the finished message, after the level was found to be enabled.
  const ownWrite = Reflect.get(logger, write) as Write;
  const tracedWrite = function (this: object, object: unknown, message: unknown, level: number): unknown {
    const host = activeHost('logs');
    if (host !== undefined) {
      const error = object instanceof Error ? object : (object as { err?: unknown } | null | undefined)?.err;
      const shown = (): unknown => message ?? (error instanceof Error ? error.message : undefined);
      captureLine(host, labelOf(this, level), shown, object instanceof Error ? { err: object } : (object as object));
    }
    return Reflect.apply(ownWrite, this, [object, message, level]);
  };
  Reflect.set(logger, write, tracedWrite);
  return logger;
}

/** The factory, whose loggers are traced as they are made. */
export function tracePinoFactory(pino: Pino): Pino {
  const proxy: Pino = new Proxy(pino, {
    apply: (target, self, args: unknown[]) => tracePino(Reflect.apply(target, self, args)),
    // `pino.pino` and `pino.default` are the factory, too.
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key);
      return value === target ? proxy : value;
    },
  });
  return proxy;
}

/** pino keeps its parts under symbols of its own, on the logger or the prototype that all share. */
function symbolOf(logger: object, description: string): symbol | undefined {
  for (let at: object | null = logger; at !== null; at = Object.getPrototypeOf(at) as object | null) {
    const found = Object.getOwnPropertySymbols(at).find((symbol) => symbol.description === description);
    if (found !== undefined) return found;
  }
  return undefined;
}

function labelOf(logger: object, level: number): string {
  const { labels } = (Reflect.get(logger, 'levels') ?? {}) as { labels?: Record<number, string> };
  return labels?.[level] ?? 'info';
}
