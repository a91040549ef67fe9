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

const REQUEST = Symbol('forge.http.request');

interface TracedRequest extends IncomingMessage {
  [REQUEST]?: ServerRequest | undefined;
}
interface TracedResponse extends ServerResponse {
  [REQUEST]?: ServerRequest | undefined;
}
interface TracedSocket extends Socket {
  [REQUEST]?: ServerRequest | undefined;
}
/** What Express and its kin leave on a request that they routed. */
interface RoutedRequest extends IncomingMessage {
  readonly route?: { readonly path?: unknown };
  readonly baseUrl?: unknown;
}

type Emit = (this: unknown, event: string | symbol, ...args: unknown[]) => boolean;

// A server's connections inherit the context in which it was told to listen; a request's trace has nothing to do with it.
const ROOT = new ForgeContext(ROOT_CONTEXT, undefined, false, undefined, undefined);

/** One request that is being served. */
class ServerRequest {
  readonly span: Span;
  /** What the application's listeners run in. */
  readonly context: Context;
  readonly method: string;
  readonly path: string;
  readonly request: IncomingMessage;
  readonly socket: Socket | undefined;
  /** What the connection had sent before. */
  readonly sentBefore: number;

  constructor(span: Span, context: Context, method: string, path: string, request: IncomingMessage) {
    this.span = span;
    this.context = context;
    this.method = method;
    this.path = path;
    this.request = request;
    this.socket = request.socket;
    this.sentBefore = request.socket.bytesWritten;
  }
}

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

  const finishLater = function (this: ServerResponse): void {
    const served = (this as TracedResponse)[REQUEST];
    if (served === undefined) return;
    try {
      finish(served, this);
    } catch (error) {
      host.fail('server response', error);
    }
  };

  /** The context to serve the request in; undefined to leave it alone. */
  function begin(request: IncomingMessage, response: TracedResponse): Context | undefined {
    const target = request.url ?? '/';
    const mark = target.indexOf('?');
    const path = mark < 0 ? target : target.slice(0, mark);
    if (isIgnored(path) || ignoreRequest?.(request) === true) return SILENT;
    const headers = request.headers;
    // The caller's address is asked for only where it matters.
    const peer = headers.traceparent === undefined ? undefined : `http://${request.socket.remoteAddress ?? ''}`;
    const parent = host.propagation.extract(ROOT, (name) => headers[name] as string | undefined, peer);
    const span = host.tracer.start('http.request', Kind.server, parent);
    const context = contextWithSpan(parent, span);
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
    const served = new ServerRequest(span, context, method, shownPath, request);
    (request as TracedRequest)[REQUEST] = served;
    response[REQUEST] = served;
    (request.socket as TracedSocket)[REQUEST] = served;
    response.on('close', finishLater);
    return context;
  }

  function finish(served: ServerRequest, response: ServerResponse): void {
    (response as TracedResponse)[REQUEST] = undefined;
    if (served.socket !== undefined && (served.socket as TracedSocket)[REQUEST] === served)
      (served.socket as TracedSocket)[REQUEST] = undefined;
    const { span } = served;
    if (span.isRecording()) {
      const status = response.headersSent ? response.statusCode : undefined;
      span.set('status', status);
      if (!response.writableFinished) span.set('aborted', true);
      if (status !== undefined) {
        const header = (response as { _header?: string | null })._header;
        const sent = (served.socket?.bytesWritten ?? 0) - served.sentBefore - (header?.length ?? 0);
        if (sent >= 0) span.set('response_size', sent);
        if (status >= 500) span.setStatus({ code: Status.error, message: statusLine(status) });
      }
      if (span.resource === span.name) {
        const route = expressRoute(served.request);
        if (route === undefined)
          span.setResource(
            names.of(served.method, served.path, status === undefined || (status >= 400 && status < 500)),
          );
        else span.set('route', route).setResource(`${served.method} ${route}`);
      }
    }
    span.end();
  }

  function noteTimeout(socket: unknown): void {
    (socket as TracedSocket | undefined)?.[REQUEST]?.span.set('timeout', true);
  }

  function wrapEmit(emit: Emit): Emit {
    return function (this: unknown, event: string | symbol, ...args: unknown[]): boolean {
      if (!host.active) return Reflect.apply(emit, this, [event, ...args]);
      if (event === 'request' || event === 'checkContinue' || event === 'checkExpectation') {
        const request = args[0] as IncomingMessage;
        const response = args[1] as TracedResponse;
        let context: Context | undefined;
        try {
          context = isServable(request, response) ? begin(request, response) : undefined;
        } catch (error) {
          host.fail('server request', error);
        }
        if (context === SILENT) return withoutTracing(() => Reflect.apply(emit, this, [event, request, response]));
        if (context !== undefined) return serve(host, context, response, emit, this, event, request);
      } else if (event === 'timeout') noteTimeout(args[0]);
      else if (
        event === 'clientError' &&
        (args[0] as { code?: unknown } | undefined)?.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      )
        noteTimeout(args[1]);
      return Reflect.apply(emit, this, [event, ...args]);
    };
  }

  const undos = [http.Server.prototype, https.Server.prototype].map((prototype) =>
    patchMethod(prototype as unknown as { emit: Emit }, 'emit', wrapEmit),
  );
  for (const prototype of [http.IncomingMessage.prototype, http.ServerResponse.prototype])
    undos.push(patchMethod(prototype as unknown as { emit: Emit }, 'emit', enterContext));
  undos.push(patchWriteHead(host), unregister);
  return () => {
    for (const undo of undos) undo();
  };
}

/** A request that was ignored is served in a context that records nothing, so its queries leave no orphans. */
const SILENT: Context = ROOT.setValue(Symbol('silent'), true);

/** Not a second `emit` of a request in service (the way on from `checkContinue`), no made-up objects, not Forge's own server. */
function isServable(request: IncomingMessage | undefined, response: TracedResponse | undefined): boolean {
  return (
    response?.[REQUEST] === undefined &&
    typeof response?.on === 'function' &&
    request?.headers !== undefined &&
    typeof request.socket?.on === 'function' &&
    !isSuppressed(activeContext())
  );
}

function serve(
  host: InstrumentationHost,
  context: Context,
  response: TracedResponse,
  emit: Emit,
  server: unknown,
  event: string | symbol,
  request: IncomingMessage,
): boolean {
  try {
    return runInContext(context, () => Reflect.apply(emit, server, [event, request, response]));
  } catch (error) {
    // Thrown by the application's listener, on its way to `uncaughtException`.
    try {
      response[REQUEST]?.span.fail(error);
    } catch (failure) {
      host.fail('server error', failure);
    }
    throw error;
  }
}

/**
 * A request and its response emit what arrives later (a body, the end, an abort) in the context of their connection,
 * which is the one in which the server began to listen: their listeners are brought back into the request's.
 */
function enterContext(emit: Emit): Emit {
  return function (this: unknown, event: string | symbol, ...args: unknown[]): boolean {
    const served = (this as TracedRequest)[REQUEST];
    if (served === undefined || activeContext() === served.context) return Reflect.apply(emit, this, [event, ...args]);
    return runInContext(served.context, () => Reflect.apply(emit, this, [event, ...args]));
  };
}

/** Headers are written when a late decision is known best: the answer then carries `traceresponse`. */
function patchWriteHead(host: InstrumentationHost): () => void {
  type WriteHead = (this: unknown, ...args: unknown[]) => ServerResponse;
  return patchMethod(
    http.ServerResponse.prototype as unknown as { writeHead: WriteHead },
    'writeHead',
    (writeHead) =>
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
      },
  );
}

/** Puts a wrapper in the place of an own or inherited method; the undo leaves no trace, unless somebody wrapped it again. */
function patchMethod<K extends string, F extends (this: unknown, ...args: never[]) => unknown>(
  prototype: Record<K, F>,
  name: K,
  wrap: (method: F) => F,
): () => void {
  const own = Object.getOwnPropertyDescriptor(prototype, name);
  const wrapped = wrap(prototype[name]);
  prototype[name] = wrapped;
  return () => {
    // A wrapper that came later keeps ours, which then only calls through.
    if (prototype[name] !== wrapped) return;
    if (own === undefined) delete (prototype as Partial<Record<K, F>>)[name];
    else Object.defineProperty(prototype, name, own);
  };
}

function expressRoute(request: RoutedRequest): string | undefined {
  const path = request.route?.path;
  if (typeof path !== 'string') return undefined;
  const base = typeof request.baseUrl === 'string' ? request.baseUrl : '';
  return base === '' || path !== '/' ? base + path : base;
}

function statusLine(status: number): string {
  const text = http.STATUS_CODES[status];
  return text === undefined ? String(status) : `${status} ${text}`;
}
