import type { InstrumentationHost } from '@forge/instrumentation';
import type { Context } from '@opentelemetry/api';

/**
 * The parts of postgres.js that its types do not show, as of 3.4. A query is a lazy promise: its `handler` is called
 * once, a microtask after the first `then`, `execute`, `forEach` or cursor step; never for a fragment.
 */
export interface DriverQuery {
  handler: QueryHandler;
  /** Called by the connection with the result; for COPY first with the stream, then again at the command's end. */
  resolve: (value: unknown) => void;
  reject: (reason: unknown) => void;
  /** Turns true when a connection works on it, and only on it. */
  active: boolean;
  /** The text sent, fragments included; undefined until it was built. */
  readonly string?: string;
  strings: readonly string[];
  readonly options: { readonly simple?: unknown; readonly prepare?: unknown };
  cursorFn?: (rows: readonly unknown[]) => unknown;
  forEachFn?: (...args: unknown[]) => unknown;
  /** Ours: where the query was written down. It may be executed elsewhere: `span('x', () => sql`..`)`. */
  forgeContext?: Context;
}

export interface QueryHandler {
  (query: DriverQuery): unknown;
  debug?: unknown;
}

/** `sql`, of a pool, of a transaction or of a reserved connection. */
export interface DriverSql {
  (first: unknown, ...rest: unknown[]): unknown;
  readonly options?: { readonly database?: unknown; readonly prepare?: unknown };
}

/** What queries must know of the client that made them. */
export interface ClientInfo {
  readonly database: string | undefined;
  /** Whether it prepares statements that do not say otherwise. */
  readonly prepares: boolean;
  /** Finds the running plugin at each query: it may be enabled after the client was made, and disabled before its end. */
  readonly findHost: () => InstrumentationHost | undefined;
}

export function clientInfo(sql: DriverSql, findHost: ClientInfo['findHost']): ClientInfo {
  const { database, prepare } = sql.options ?? {};
  return { database: typeof database === 'string' ? database : undefined, prepares: prepare !== false, findHost };
}

export function isDriverQuery(value: unknown): value is DriverQuery {
  return (
    value instanceof Promise &&
    typeof (value as unknown as DriverQuery).handler === 'function' &&
    typeof (value as unknown as DriverQuery).resolve === 'function'
  );
}
