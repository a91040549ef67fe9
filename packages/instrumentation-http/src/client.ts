import http, { type ClientRequest, type IncomingMessage } from 'node:http';
import https from 'node:https';
import { errorMonitor } from 'node:events';
import { syncBuiltinESMExports } from 'node:module';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Context } from '@opentelemetry/api';
import { activeContext, contextWithSpan, isSuppressed, Kind, type Span, Status } from '@forge/core';
import type { InstrumentationHost } from '@forge/instrumentation';
import { redactQuery } from '@forge/instrumentation/http';
import type { HttpOptions } from './options.ts';

type Request = (this: unknown, ...args: unknown[]) => ClientRequest;
interface Callers {
  request: Request;
  get: Request;
}

const RESPONSE = 'http.client.response.finish';

/**
 * Traces what the process asks of others through `http.request` and its three sisters.
 *
 * Nothing that a caller can observe changes: no `response` listener is added (Node would wait for somebody to read
 * the body), and errors are seen through `errorMonitor` (an error that nobody handles still ends the process).
 */
export function traceClients(host: InstrumentationHost, options: HttpOptions): () => void {
  const calls = new WeakMap<ClientRequest, Span>();
  const ignoredHosts = new Set(options.ignoreHosts);
  const query = options.query ?? 'redact';
  const { redactUrl } = options;

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
    if (span.isRecording()) {
      const path = request.path;
      const mark = path.indexOf('?');
      const target = mark < 0 || query === 'keep' ? path : query === 'drop' ? path.slice(0, mark) : redactQuery(path);
      const url = target.startsWith('/') ? `${request.protocol}//${authority}${target}` : target;
      span.setResource(authority).set('method', request.method);
      span.set('url', redactUrl === undefined ? url : redactUrl(url));
    }
    calls.set(request, span);
    request.on(errorMonitor, (error: Error) => guard('client error', () => span.fail(error)));
    request.on('timeout', () => guard('client timeout', () => span.set('timeout', true)));
    // The end of a call without an answer, and of an upgraded one; otherwise the end of its body comes first.
    request.on('close', () => guard('client close', () => void (closeEarly(request, span) && span.end())));
  }

  function heedResponse(message: unknown): void {
    const { request, response } = message as { request: ClientRequest; response: IncomingMessage };
    const span = calls.get(request);
    if (span === undefined) return;
    guard('client response', () => {
      recordStatus(span, response);
      const peer = `${request.protocol}//${authorityOf(request)}`;
      host.propagation.heed(span.trace, (name) => response.headers[name] as string | undefined, peer);
      response.on('close', () => guard('client end', () => finish(span, response)));
    });
  }

  function wrap(original: Request, endsAtOnce: boolean): Request {
    const wrapped = function (this: unknown, ...args: unknown[]): ClientRequest {
      if (!host.active) return Reflect.apply(original, this, args);
      const context = activeContext();
      if (isSuppressed(context)) return Reflect.apply(original, this, args);
      let span: Span | undefined;
      let inner = context;
      let finalArgs = args;
      let skip = false;
      try {
        skip = ignoredHosts.size > 0 && isIgnoredCall(args, ignoredHosts);
        if (!skip) {
          span = host.tracer.start('http.client', Kind.client, context);
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
    Object.defineProperty(wrapped, 'name', { value: original.name, configurable: true });
    Object.defineProperty(wrapped, 'length', { value: original.length, configurable: true });
    return wrapped;
  }

  const undos: (() => void)[] = [];
  for (const module of [http, https] as unknown as Callers[]) {
    for (const name of ['request', 'get'] as const) {
      const original = module[name];
      // `get` ends the request itself, and its headers are gone when it returns.
      const wrapped = wrap(original, name === 'get');
      module[name] = wrapped;
      undos.push(() => {
        if (module[name] === wrapped) module[name] = original;
      });
    }
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

function recordStatus(span: Span, response: IncomingMessage): void {
  const status = response.statusCode;
  if (status === undefined) return;
  span.set('status', status);
  if (status >= 400)
    span.setStatus({ code: Status.error, message: `${status} ${response.statusMessage ?? ''}`.trimEnd() });
  const length = response.headers['content-length'];
  if (length !== undefined) span.set('response_size', Number(length));
}

/** Whether the call is over now: no answer is being read any more. */
function closeEarly(request: ClientRequest, span: Span): boolean {
  const response = (request as ClientRequest & { res?: IncomingMessage | null }).res;
  if (response === null || response === undefined) {
    if (request.destroyed && request.errored === null) span.set('aborted', true);
    return true;
  }
  if (response.statusCode !== 101 && request.method !== 'CONNECT') return false;
  recordStatus(span, response);
  return true;
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

function isIgnoredCall(args: readonly unknown[], ignored: ReadonlySet<string>): boolean {
  const first = args[0];
  if (isUrl(first)) {
    const url = typeof first === 'string' ? new URL(first) : first;
    return ignored.has(url.hostname) || ignored.has(url.host);
  }
  const options = optionsOf(args);
  const name = options?.hostname ?? options?.host;
  if (typeof name !== 'string') return false;
  return ignored.has(name) || ignored.has(`${name}:${options?.port ?? ''}`);
}
