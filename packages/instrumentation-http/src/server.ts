import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import { ROOT_CONTEXT, type Context } from '@opentelemetry/api';
import {
  activeContext,
  contextWithSpan,
  Decision,
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
import { patchMethod } from './patch-method.ts';

const REQUEST = Symbol('forge.http.request');

interface TracedRequest extends IncomingMessage {
  [REQUEST]?: ServerRequest | undefined;
  /** What Express and its kin leave on a request that they routed. */
  readonly route?: { readonly path?: unknown };
  readonly baseUrl?: unknown;
}
interface TracedResponse extends ServerResponse {
  [REQUEST]?: ServerRequest | undefined;
  /** The length that Node announces, null where it sends chunks. */
  readonly _contentLength?: number | null;
}

type Emit = (this: unknown, event: string | symbol, ...args: unknown[]) => boolean;
type WriteHead = (this: unknown, ...args: unknown[]) => ServerResponse;

// A server's connections inherit the context in which it was told to listen; a request's trace has nothing to do with it.
const ROOT = new ForgeContext(ROOT_CONTEXT, undefined, false, undefined, undefined);

/** One request that is being served. */
class ServerRequest {
  readonly span: Span;
  /** What the application's listeners run in. */
  readonly context: Context;
  readonly method: string;
  readonly path: string;
  readonly request: TracedRequest;

  constructor(span: Span, context: Context, method: string, path: string, request: TracedRequest) {
    this.span = span;
    this.context = context;
    this.method = method;
    this.path = path;
    this.request = request;
  }
}

/** A request that is ignored is served in a context that records nothing, so its queries leave no orphans. */
const IGNORED = Symbol('ignored');

/**
 * Traces what the process's HTTP servers serve, by wrapping `emit` of their prototypes: it sees every import style,
 * servers that listened before, upgrades, and adds nothing to a server that somebody could trip over.
 */
export function traceServers(host: InstrumentationHost, options: HttpOptions): () => void {
  const isIgnored = createPathFilter(options.ignorePaths ?? DEFAULT_IGNORED_PATHS);
  const { ignoreRequest, redactUrl } = options;
  const query = options.query ?? 'redact';
  const names = new ResourceNames(options.maxPaths);
  const unregister = host.diagnostics.register(() => ({ forge_http_unnamed_requests_total: names.overflowed }));

  function begin(request: TracedRequest, response: TracedResponse): ServerRequest | typeof IGNORED {
    const target = request.url ?? '/';
    const mark = target.indexOf('?');
    const path = mark < 0 ? target : target.slice(0, mark);
    if (isIgnored(path) || ignoreRequest?.(request) === true) return IGNORED;
    const headers = request.headers;
    // The caller's address is asked for only where it matters.
    const peer = headers.traceparent === undefined ? undefined : `http://${request.socket.remoteAddress ?? ''}`;
    const parent = host.propagation.extract(ROOT, (name) => headers[name] as string | undefined, peer);
    const span = host.tracer.start('http.request', Kind.server, parent);
    const method = request.method ?? 'GET';
    const shownPath = redactUrl === undefined ? path : redactUrl(path);
    if (span.isRecording()) {
      span.set('method', method).set('path', shownPath);
      const shownTarget = mark < 0 || query === 'drop' ? path : query === 'keep' ? target : redactQuery(target);
      const scheme = (request.socket as { encrypted?: boolean }).encrypted === true ? 'https://' : 'http://';
      const url = scheme + (headers.host ?? 'localhost') + shownTarget;
      span.set('url', redactUrl === undefined ? url : redactUrl(url));
      const length = headers['content-length'];
      if (length !== undefined) span.set('request_size', Number(length));
    }
    const served = new ServerRequest(span, contextWithSpan(parent, span), method, shownPath, request);
    request[REQUEST] = served;
    response[REQUEST] = served;
    return served;
  }

  function finish(served: ServerRequest, response: TracedResponse): void {
    const { span, method, request } = served;
    if (span.isRecording()) {
      const status = response.headersSent ? response.statusCode : undefined;
      if (status !== undefined) {
        span.set('status', status);
        const size = response._contentLength;
        if (typeof size === 'number' && method !== 'HEAD') span.set('response_size', size);
        if (status >= 500) span.setStatus({ code: Status.error, message: statusLine(status) });
      }
      if (!response.writableFinished) span.set('aborted', true);
      if (span.resource === span.name) {
        const route = request.route === undefined ? undefined : expressRoute(request);
        const refused = status === undefined || (status >= 400 && status < 500);
        if (route === undefined) span.setResource(names.of(method, served.path, refused));
        else span.set('route', route).setResource(`${method} ${route}`);
      }
    }
    span.end();
  }

  function noteTimeout(socket: unknown): void {
    // Node's own link from a connection to the answer that is due on it.
    const response = (socket as (Socket & { _httpMessage?: TracedResponse | null }) | undefined)?._httpMessage;
    response?.[REQUEST]?.span.set('timeout', true);
  }

  /** Everything that is no request: rare. */
  function noteEvent(event: string | symbol, args: readonly unknown[]): void {
    if (event === 'timeout') noteTimeout(args[0]);
    else if (event === 'clientError' && (args[0] as NodeJS.ErrnoException | undefined)?.code === REQUEST_TIMEOUT)
      noteTimeout(args[1]);
  }

  const serverEmit = (emit: Emit): Emit =>
    function (this: unknown, event: string | symbol, ...args: unknown[]): boolean {
      if (!host.active) return Reflect.apply(emit, this, [event, ...args]);
      const request = args[0] as TracedRequest;
      const response = args[1] as TracedResponse;
      let served: ServerRequest | typeof IGNORED | undefined;
      try {
        if (event === 'request' || event === 'checkContinue' || event === 'checkExpectation') {
          if (isServable(request, response)) served = begin(request, response);
        } else noteEvent(event, args);
      } catch (error) {
        host.fail('server request', error);
      }
      if (served === undefined) return Reflect.apply(emit, this, [event, ...args]);
      if (served === IGNORED) return withoutTracing(() => emit.call(this, event, request, response));
      return serve(host, served, () => emit.call(this, event, request, response));
    };

  /**
   * A request and its response emit what arrives later (a body, the end, an abort) in the context of their connection,
   * which is the one in which the server began to listen: their listeners are brought back into the request's.
   */
  const messageEmit = (emit: Emit): Emit =>
    function (this: unknown, event: string | symbol, ...args: unknown[]): boolean {
      const served = (this as TracedRequest)[REQUEST];
      if (served === undefined) return Reflect.apply(emit, this, [event, ...args]);
      if ((this as TracedRequest).listenerCount(event) === 0 && event !== 'error') return false;
      if (activeContext() === served.context) return Reflect.apply(emit, this, [event, ...args]);
      return runInContext(served.context, () => Reflect.apply(emit, this, [event, ...args]));
    };

  /** The end of a request: `close` follows `finish`, and an abort. */
  const responseEmit = (emit: Emit): Emit => {
    const inContext = messageEmit(emit);
    return function (this: unknown, event: string | symbol, ...args: unknown[]): boolean {
      const response = this as TracedResponse;
      const served = event === 'close' ? response[REQUEST] : undefined;
      if (served === undefined) return Reflect.apply(inContext, this, [event, ...args]);
      try {
        return Reflect.apply(inContext, this, [event, ...args]);
      } finally {
        response[REQUEST] = undefined;
        try {
          finish(served, response);
        } catch (error) {
          host.fail('server response', error);
        }
      }
    };
  };

  /** Headers are written when a late decision is known best: the answer then carries `traceresponse`. */
  const writeHeadResponding = (writeHead: WriteHead): WriteHead =>
    function (this: unknown, ...args: unknown[]): ServerResponse {
      const response = this as TracedResponse;
      const trace = response[REQUEST]?.span.trace;
      if (trace !== undefined && trace.decision === Decision.kept && !response.headersSent) {
        try {
          host.propagation.respond(trace, (name, value) => void response.setHeader(name, value));
        } catch (error) {
          host.fail('server headers', error);
        }
      }
      return Reflect.apply(writeHead, this, args);
    };

  const undos = [
    patchMethod<Emit>(http.Server.prototype, 'emit', serverEmit),
    patchMethod<Emit>(https.Server.prototype, 'emit', serverEmit),
    patchMethod<Emit>(http.IncomingMessage.prototype, 'emit', messageEmit),
    patchMethod<Emit>(http.ServerResponse.prototype, 'emit', responseEmit),
    patchMethod<WriteHead>(http.ServerResponse.prototype, 'writeHead', writeHeadResponding),
    unregister,
  ];
  return () => {
    for (const undo of undos) undo();
  };
}

const REQUEST_TIMEOUT = 'ERR_HTTP_REQUEST_TIMEOUT';

/** Not a second `emit` of a request in service (the way on from `checkContinue`), no made-up objects, not Forge's own server. */
function isServable(request: TracedRequest | undefined, response: TracedResponse | undefined): boolean {
  return (
    response?.[REQUEST] === undefined &&
    typeof response?.on === 'function' &&
    request?.headers !== undefined &&
    request.socket !== undefined &&
    !isSuppressed(activeContext())
  );
}

function serve(host: InstrumentationHost, served: ServerRequest, listeners: () => boolean): boolean {
  try {
    return runInContext(served.context, listeners);
  } catch (error) {
    // Thrown by the application's listener, on its way to `uncaughtException`.
    try {
      served.span.fail(error);
    } catch (failure) {
      host.fail('server error', failure);
    }
    throw error;
  }
}

function expressRoute(request: TracedRequest): string | undefined {
  const path = request.route?.path;
  if (typeof path !== 'string') return undefined;
  const base = typeof request.baseUrl === 'string' ? request.baseUrl : '';
  return base === '' || path !== '/' ? base + path : base;
}

function statusLine(status: number): string {
  const text = http.STATUS_CODES[status];
  return text === undefined ? String(status) : `${status} ${text}`;
}
