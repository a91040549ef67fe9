import http, { type ClientRequest, type IncomingMessage } from 'node:http';
import https from 'node:https';
import { errorMonitor } from 'node:events';
import { syncBuiltinESMExports } from 'node:module';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Context } from '@opentelemetry/api';
import { activeContext, contextWithSpan, isSuppressed, type Span } from '@forge/core';
import type { InstrumentationHost } from '@forge/instrumentation';
import type { CallSpans } from './called-request.ts';
import { patchMethod } from './patch-method.ts';

type Request = (this: unknown, ...args: unknown[]) => ClientRequest;

const RESPONSE = 'http.client.response.finish';

/**
 * Traces what the process asks of others through `http.request` and its three sisters.
 *
 * Nothing that a caller can observe changes: no `response` listener is added (Node would wait for somebody to read
 * the body), and errors are seen through `errorMonitor` (an error that nobody handles still ends the process).
 */
export function traceClients(host: InstrumentationHost, spans: CallSpans): () => void {
  /** Calls that wait for their answer; from then on the end of its body is the end of the call. */
  const calls = new WeakMap<ClientRequest, Span>();

  function guard(hook: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      host.fail(hook, error);
    }
  }

  function begin(request: ClientRequest, span: Span, context: Context, injected: boolean): void {
    const authority = authorityOf(request);
    if (!injected && !request.headersSent)
      host.propagation.inject(context, (name, value) => void request.setHeader(name, value));
    spans.describe(span, request.method, request.protocol, authority, request.path);
    calls.set(request, span);
    request.on(errorMonitor, (error: Error) => guard('client error', () => span.fail(error)));
    request.on('timeout', () => guard('client timeout', () => span.set('timeout', true)));
    request.on('close', () => guard('client close', () => close(request, span)));
  }

  function recordAnswer(span: Span, request: ClientRequest, response: IncomingMessage): void {
    const { statusCode, statusMessage = '', headers } = response;
    const peer = `${request.protocol}//${authorityOf(request)}`;
    const header = (name: string): string | undefined => headers[name] as string | undefined;
    if (statusCode !== undefined)
      spans.answer(span, statusCode, statusMessage, headers['content-length'], header, peer);
  }

  /** The end of a call without an answer, of an upgraded one, and of one whose answer came when tracing had stopped. */
  function close(request: ClientRequest, span: Span): void {
    if (!calls.has(request)) return;
    const { res: response } = request as ClientRequest & { res?: IncomingMessage | null };
    if (response !== null && response !== undefined) recordAnswer(span, request, response);
    else if (request.destroyed && request.errored === null) span.set('aborted', true);
    span.end();
  }

  function heedResponse(message: unknown): void {
    const { request, response } = message as { request: ClientRequest; response: IncomingMessage };
    const span = calls.get(request);
    if (span === undefined) return;
    calls.delete(request);
    guard('client response', () => {
      recordAnswer(span, request, response);
      response.on('close', () => guard('client end', () => finish(span, response)));
    });
  }

  function wrap(original: Request, endsAtOnce: boolean): Request {
    return function (this: unknown, ...args: unknown[]): ClientRequest {
      if (!host.active) return Reflect.apply(original, this, args);
      const context = activeContext();
      if (isSuppressed(context)) return Reflect.apply(original, this, args);
      let span: Span | undefined;
      let inner = context;
      let finalArgs = args;
      try {
        if (!spans.ignoresHosts || !isIgnoredCall(args, spans)) {
          span = spans.start(context);
          inner = contextWithSpan(context, span);
          if (endsAtOnce || headersAreWrittenAtOnce(args)) finalArgs = withTraceHeaders(args, host, inner);
        }
      } catch (error) {
        span = undefined;
        finalArgs = args;
        host.fail('client request', error);
      }
      let request: ClientRequest;
      try {
        request = Reflect.apply(original, this, finalArgs);
      } catch (error) {
        if (span !== undefined) guard('client request', () => span.fail(error).end());
        throw error;
      }
      if (span !== undefined) guard('client request', () => begin(request, span, inner, finalArgs !== args));
      return request;
    };
  }

  const undos: (() => void)[] = [];
  for (const module of [http, https]) {
    undos.push(patchMethod<Request>(module, 'request', (request) => wrap(request, false)));
    // `get` ends the request itself, and its headers are gone when it returns.
    undos.push(patchMethod<Request>(module, 'get', (get) => wrap(get, true)));
  }
  // `import { request } from 'node:http'` is a live binding: this moves it, even where it was imported before.
  syncBuiltinESMExports();
  subscribe(RESPONSE, heedResponse);
  return () => {
    unsubscribe(RESPONSE, heedResponse);
    for (const undo of undos) undo();
    syncBuiltinESMExports();
  };
}

function finish(span: Span, response: IncomingMessage): void {
  if (!response.complete) {
    span.set('aborted', true);
    // The caller may throw the rest of an answer away; a connection that broke is a failure.
    if (response.errored !== null && response.errored !== undefined) span.fail(response.errored);
  }
  span.end();
}

/** `host` or `host:port`, the port where it is not the protocol's own. */
function authorityOf(request: ClientRequest): string {
  const header = request.getHeader('host');
  return typeof header === 'string' && header !== '' ? header : request.host;
}

/** Node writes the headers inside of `request()` if they come as an array, or with `Expect`: too late to add some. */
function headersAreWrittenAtOnce(args: readonly unknown[]): boolean {
  const headers = optionsOf(args)?.headers;
  if (headers === undefined || headers === null) return false;
  if (Array.isArray(headers)) return true;
  for (const name of Object.keys(headers)) if (name.length === 6 && name.toLowerCase() === 'expect') return true;
  return false;
}

interface CallOptions {
  readonly headers?: Record<string, unknown> | readonly unknown[] | null;
  readonly hostname?: unknown;
  readonly host?: unknown;
  readonly port?: string | number;
}

function isUrl(value: unknown): value is string | URL {
  return typeof value === 'string' || value instanceof URL;
}

function optionsOf(args: readonly unknown[]): CallOptions | undefined {
  const found = isUrl(args[0]) ? args[1] : args[0];
  return typeof found === 'object' && found !== null ? found : undefined;
}

/** The arguments with the trace headers among the options' own, which stay untouched. */
function withTraceHeaders(args: readonly unknown[], host: InstrumentationHost, context: Context): unknown[] {
  const added: [name: string, value: string][] = [];
  host.propagation.inject(context, (name, value) => void added.push([name, value]));
  const options = optionsOf(args);
  const given = options?.headers ?? {};
  let headers: unknown;
  if (Array.isArray(given)) {
    const list: unknown[] = given;
    headers = [...list, ...(Array.isArray(list[0]) ? added : added.flat())];
  } else headers = Object.assign({}, given, Object.fromEntries(added));
  const before = isUrl(args[0]) ? 1 : 0;
  // Node copies own enumerable properties too.
  return [
    ...args.slice(0, before),
    { ...options, headers },
    ...args.slice(options === undefined ? before : before + 1),
  ];
}

function isIgnoredCall(args: readonly unknown[], spans: CallSpans): boolean {
  const first = args[0];
  if (isUrl(first)) {
    const url = typeof first === 'string' ? new URL(first) : first;
    return spans.isIgnored(url.host);
  }
  const options = optionsOf(args);
  const name = options?.hostname ?? options?.host;
  if (typeof name !== 'string') return false;
  return spans.isIgnored(name) || spans.isIgnored(`${name}:${options?.port ?? ''}`);
}
