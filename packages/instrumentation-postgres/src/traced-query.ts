import {
  activeContext,
  contextWithSpan,
  ForgeContextManager,
  isSuppressed,
  Kind,
  spanOf,
  type Span,
} from '@forge/core';
import type { InstrumentationHost } from '@forge/instrumentation';
import { describeSql, sqlComment, sqlErrorCode, takesSqlComment } from '@forge/instrumentation/sql';
import type { Context } from '@opentelemetry/api';
import type { ClientInfo, DriverQuery, QueryHandler } from './driver.ts';
import { optionsOf } from './options.ts';

const contexts = new ForgeContextManager();

/**
 * The query's handler with a span around it.
 * The handler runs when the query is executed, so a query that only ends up within another one makes no span.
 */
export function traceHandler(handler: QueryHandler, client: ClientInfo): QueryHandler {
  function traced(query: DriverQuery): unknown {
    const host = client.findHost();
    const context = issuingContext(query);
    if (host === undefined || isSuppressed(context)) return handler(query);
    let observer: QueryObserver | undefined;
    try {
      observer = observe(query, host, context, client);
    } catch (error) {
      host.fail('query', error);
    }
    const result = handler(query);
    if (observer !== undefined && !query.active) observer.watchWait();
    return result;
  }
  // postgres.js reads it from the handler when it makes a query and when one fails.
  traced.debug = handler.debug;
  return traced;
}

/** Where the query was written; where it is executed only if that belongs to no span: a query made in advance. */
function issuingContext(query: DriverQuery): Context {
  const written = query.forgeContext;
  return written !== undefined && (spanOf(written) !== undefined || isSuppressed(written)) ? written : activeContext();
}

function observe(
  query: DriverQuery,
  host: InstrumentationHost,
  context: Context,
  client: ClientInfo,
): QueryObserver | undefined {
  const span = host.tracer.start('db.query', Kind.client, context);
  if (!span.isRecording()) {
    span.end();
    return undefined;
  }
  const observer = new QueryObserver(query, span, host, context, client);
  observer.attach();
  return observer;
}

/** Follows one query from its execution to its end, by the functions through which the connection reports to it. */
class QueryObserver {
  readonly #query: DriverQuery;
  readonly #span: Span;
  readonly #host: InstrumentationHost;
  readonly #context: Context;
  readonly #client: ClientInfo;
  #comment = '';
  #cursorRows: number | undefined = undefined;
  #ended = false;

  constructor(query: DriverQuery, span: Span, host: InstrumentationHost, context: Context, client: ClientInfo) {
    this.#query = query;
    this.#span = span;
    this.#host = host;
    this.#context = context;
    this.#client = client;
  }

  attach(): void {
    const query = this.#query;
    if (optionsOf(this.#host).sqlcommenter === true) this.#addComment();
    // A socket's events run in the context of whoever opened the connection: rows are to be handed over in the query's.
    if (query.forEachFn !== undefined) query.forEachFn = contexts.bind(this.#context, query.forEachFn);
    if (query.cursorFn === undefined) {
      query.resolve = this.#resolving(query.resolve);
      query.reject = this.#rejecting(query.reject);
      return;
    }
    // A cursor's iterator sets all three anew at each step.
    this.#cursorRows = 0;
    wrapWhenSet(query, 'resolve', (resolve) => this.#resolving(resolve));
    wrapWhenSet(query, 'reject', (reject) => this.#rejecting(reject));
    wrapWhenSet(query, 'cursorFn', (cursorFn) => cursorFn && this.#countingRows(cursorFn));
  }

  /**
   * Appends the comment to the text's last part, until the text is built: errors look their origin up by the parts.
   * Prepared statements have none: each text would be prepared anew, and for good.
   */
  #addComment(): void {
    const query = this.#query;
    const { strings, options } = query;
    const prepared = options.simple !== true && ((options.prepare as boolean | undefined) ?? this.#client.prepares);
    if (prepared || strings.length === 0 || !strings.every(takesSqlComment)) return;
    this.#comment = sqlComment(this.#host.propagation, contextWithSpan(this.#context, this.#span));
    const last = strings.length - 1;
    query.strings = strings.with(last, `${strings[last]}${this.#comment}`);
    Object.defineProperty(query, 'string', {
      configurable: true,
      enumerable: true,
      set(text: string) {
        query.strings = strings;
        Object.defineProperty(query, 'string', { value: text, configurable: true, enumerable: true, writable: true });
      },
    });
  }

  /** Takes the time until a connection works on this query: behind others in the pool's queue, or in a pipeline. */
  watchWait(): void {
    let active = false;
    Object.defineProperty(this.#query, 'active', {
      configurable: true,
      enumerable: true,
      get: () => active,
      set: (value: boolean) => {
        if (value && !active) this.#waited();
        active = value;
      },
    });
  }

  #waited(): void {
    if (this.#ended) return;
    this.#guard('query wait', () => this.#span.set('pool_wait_ms', Math.round(this.#span.elapsedMs * 1000) / 1000));
  }

  #resolving(resolve: DriverQuery['resolve']): DriverQuery['resolve'] {
    return (value) => {
      // COPY hands its stream over first and comes again when the command is complete.
      if (isStream(value)) contexts.bind(this.#context, value);
      else this.#end(() => setRows(this.#span, this.#cursorRows ?? rowsOf(value)));
      resolve(value);
    };
  }

  #rejecting(reject: DriverQuery['reject']): DriverQuery['reject'] {
    return (reason) => {
      this.#end(() => {
        this.#span.fail(reason).set('db.error_code', sqlErrorCode(reason));
        setRows(this.#span, this.#cursorRows);
      });
      reject(reason);
    };
  }

  #countingRows(cursorFn: NonNullable<DriverQuery['cursorFn']>): NonNullable<DriverQuery['cursorFn']> {
    const inContext = contexts.bind(this.#context, cursorFn);
    return (rows) => {
      this.#cursorRows = (this.#cursorRows ?? 0) + rows.length;
      return inContext(rows);
    };
  }

  #end(outcome: () => void): void {
    if (this.#ended) return;
    this.#ended = true;
    const span = this.#span;
    this.#guard('query end', () => {
      const sent = this.#query.string ?? this.#query.strings.join('?');
      const text = this.#comment === '' ? sent : sent.replace(this.#comment, '');
      const { operation, table, query, resource } = describeSql(text);
      if (resource !== '') span.setResource(resource);
      span.set('operation', operation).set('table', table).set('query', query).set('database', this.#client.database);
      outcome();
    });
    this.#guard('query end', () => span.end());
  }

  /** A fault of tracing disables the plugin; the query goes on. */
  #guard(hook: string, act: () => void): void {
    try {
      act();
    } catch (fault) {
      this.#host.fail(hook, fault);
    }
  }
}

/** Makes `key` of the query pass through `wrap` now and whenever it is set again. */
function wrapWhenSet<K extends 'resolve' | 'reject' | 'cursorFn'>(
  query: DriverQuery,
  key: K,
  wrap: (value: DriverQuery[K]) => DriverQuery[K],
): void {
  let current = wrap(query[key]);
  Object.defineProperty(query, key, {
    configurable: true,
    enumerable: true,
    get: () => current,
    set(value: DriverQuery[K]) {
      current = wrap(value);
    },
  });
}

function isStream(value: unknown): value is object {
  return typeof value === 'object' && value !== null && typeof (value as { pipe?: unknown }).pipe === 'function';
}

function setRows(span: Span, rows: number | undefined): void {
  if (rows !== undefined) span.set('rows', rows);
}

/** Rows read or changed; of several statements all together; undefined where there is no such number (BEGIN, describe). */
function rowsOf(value: unknown): number | undefined {
  const count = (value as { count?: unknown } | null | undefined)?.count;
  if (typeof count === 'number') return count;
  if (!Array.isArray(value) || count !== undefined) return undefined;
  let sum: number | undefined;
  for (const result of value) {
    const part = rowsOf(result);
    if (part !== undefined) sum = (sum ?? 0) + part;
  }
  return sum;
}
