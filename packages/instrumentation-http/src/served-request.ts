import http, { type IncomingHttpHeaders } from 'node:http';
import { ROOT_CONTEXT, type Context } from '@opentelemetry/api';
import {
  activeContext,
  contextWithSpan,
  ForgeContext,
  isSuppressed,
  Kind,
  runInContext,
  type Span,
  Status,
  withoutTracing,
} from '@forge/core';
import type { InstrumentationHost } from '@forge/instrumentation';
import { redactQuery, ResourceNames } from '@forge/instrumentation/http';
import { createPathFilter } from './ignored-paths.ts';
import { DEFAULT_IGNORED_PATHS, type HttpOptions } from './options.ts';

/** Where a message, an answer or a stream keeps the request that it belongs to. */
export const REQUEST = Symbol('forge.http.request');

/** The path of a request that is not traced: it is served in a context that records nothing, so its queries leave no orphans. */
export const IGNORED = Symbol('ignored');

// A server's connections inherit the context in which it was told to listen; a request's trace has nothing to do with it.
const ROOT = new ForgeContext(ROOT_CONTEXT, undefined, false, undefined, undefined);

/** One request that is being served. */
export class ServedRequest {
  readonly span: Span;
  /** What the application's listeners run in. */
  readonly context: Context;
  readonly method: string;
  /** As it is shown. */
  readonly path: string;

  constructor(span: Span, context: Context, method: string, path: string) {
    this.span = span;
    this.context = context;
    this.method = method;
    this.path = path;
  }

  /** Emits to the application's listeners; what they throw is recorded, on its way to `uncaughtException`. */
  serve(host: InstrumentationHost, emit: Emit, server: unknown, args: ArrayLike<unknown>): boolean {
    try {
      return emitIn(this.context, emit, server, args);
    } catch (error) {
      try {
        this.span.fail(error);
      } catch (failure) {
        host.fail('server error', failure);
      }
      throw error;
    }
  }
}

/** Starts and ends the spans of served requests, whatever the protocol. */
export class RequestSpans {
  readonly #host: InstrumentationHost;
  readonly #isIgnored: (path: string) => boolean;
  readonly #ignoreRequest: HttpOptions['ignoreRequest'];
  readonly #redactUrl: ((url: string) => string) | undefined;
  readonly #query: 'redact' | 'drop' | 'keep';
  readonly #names: ResourceNames;

  constructor(host: InstrumentationHost, options: HttpOptions) {
    this.#host = host;
    this.#isIgnored = createPathFilter(options.ignorePaths ?? DEFAULT_IGNORED_PATHS);
    this.#ignoreRequest = options.ignoreRequest;
    this.#redactUrl = options.redactUrl;
    this.#query = options.query ?? 'redact';
    this.#names = new ResourceNames(options.maxPaths);
  }

  /** Requests that got no resource of their own, since `maxPaths` had one. */
  get unnamed(): number {
    return this.#names.overflowed;
  }

  /**
   * @param target path and query
   * @param remoteAddress asked for only where the caller sent a trace context
   */
  begin(
    method: string,
    target: string,
    origin: string,
    headers: IncomingHttpHeaders,
    remote: { readonly remoteAddress?: string | undefined },
  ): ServedRequest | typeof IGNORED {
    const mark = target.indexOf('?');
    const path = mark < 0 ? target : target.slice(0, mark);
    if (this.#isIgnored(path) || this.#ignoreRequest?.({ method, url: target, headers }) === true) return IGNORED;
    const host = this.#host;
    const peer = headers.traceparent === undefined ? undefined : `http://${remote.remoteAddress ?? ''}`;
    const parent = host.propagation.extract(ROOT, (name) => headers[name] as string | undefined, peer);
    const span = host.tracer.start('http.request', Kind.server, parent);
    const redactUrl = this.#redactUrl;
    const shownPath = redactUrl === undefined ? path : redactUrl(path);
    if (span.isRecording()) {
      const query = this.#query;
      const shownTarget = mark < 0 || query === 'drop' ? path : query === 'keep' ? target : redactQuery(target);
      const url = origin + shownTarget;
      span.set('method', method).set('path', shownPath);
      span.set('url', redactUrl === undefined ? url : redactUrl(url));
      const length = headers['content-length'];
      if (length !== undefined) span.set('request_size', Number(length));
    }
    return new ServedRequest(span, contextWithSpan(parent, span), method, shownPath);
  }

  /**
   * @param status undefined where no headers were sent
   * @param size bytes of the body, where they were announced
   * @param aborted whether the answer did not get through to its end
   * @param route where a framework left it on the request; otherwise `setHttpRoute` was called, or nobody knows
   */
  end(
    served: ServedRequest,
    status: number | undefined,
    size: number | undefined,
    aborted: boolean,
    route: string | undefined,
  ): void {
    const { span, method } = served;
    if (span.isRecording()) {
      if (status !== undefined) {
        span.set('status', status);
        if (size !== undefined && method !== 'HEAD') span.set('response_size', size);
        // What failed may be known already, and says more than a number.
        if (status >= 500 && span.status !== Status.error)
          span.setStatus({ code: Status.error, message: statusLine(status) });
      }
      if (aborted) span.set('aborted', true);
      if (span.resource === span.name) {
        const refused = status === undefined || (status >= 400 && status < 500);
        if (route === undefined) span.setResource(this.#names.of(method, served.path, refused));
        else span.set('route', route).setResource(`${method} ${route}`);
      }
    }
    span.end();
  }
}

/**
 * Lets an emitter's later events (a body, the end, an abort) reach their listeners in the request's context: they come
 * in the context of the connection, which is the one in which the server began to listen.
 * Most events have no listener, so nothing is built for one: no rest array, and no closure here, since V8 allocates
 * for what a closure holds as soon as its function is entered.
 */
export function emitInContext(emit: Emit): Emit {
  return function (this: unknown, event: string | symbol): boolean {
    const message = this as {
      [REQUEST]?: { readonly context: Context };
      listenerCount(event: string | symbol): number;
    };
    const served = message[REQUEST];
    if (served !== undefined) {
      if (event !== 'error' && message.listenerCount(event) === 0) return false;
      if (activeContext() !== served.context) return emitIn(served.context, emit, this, arguments);
    }
    return Reflect.apply(emit, this, arguments);
  };
}

/** Serves an ignored request. */
export function emitUntraced(emit: Emit, server: unknown, args: ArrayLike<unknown>): boolean {
  return withoutTracing(() => Reflect.apply(emit, server, args as unknown[]));
}

function emitIn(context: Context, emit: Emit, emitter: unknown, args: ArrayLike<unknown>): boolean {
  return runInContext(context, () => Reflect.apply(emit, emitter, args as unknown[]));
}

export type Emit = (this: unknown, event: string | symbol, ...args: unknown[]) => boolean;

/** Whether requests are to be traced here: not on a server that Forge itself started. */
export function isTracedHere(): boolean {
  return !isSuppressed(activeContext());
}

function statusLine(status: number): string {
  const text = http.STATUS_CODES[status];
  return text === undefined ? String(status) : `${status} ${text}`;
}
