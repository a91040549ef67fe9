import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { activeContext, attributeOf, contextWithSpan, isSuppressed, Kind, type Span, Status } from '@forge/core';
import type { Instrumentation, InstrumentationHost } from '@forge/instrumentation';
import { redactQuery, withoutCredentials } from '@forge/instrumentation/http';
import type { FetchOptions } from './options.ts';

/** undici's request as its diagnostics channels hand it out. */
interface UndiciRequest {
  readonly origin: string | URL;
  readonly path: string;
  readonly method: string;
  /** Names and values in turn. */
  readonly headers?: unknown;
  addHeader(name: string, value: string): unknown;
}

interface UndiciResponse {
  readonly statusCode: number;
  readonly statusText?: string;
  /** Names and values in turn. */
  readonly headers: readonly Buffer[];
}

interface Message {
  readonly request: UndiciRequest;
  readonly response?: UndiciResponse;
  readonly error?: unknown;
}

/**
 * Traces `fetch` and undici's own calls, Node's copy and the npm package alike, through undici's diagnostics channels:
 * nothing is patched. Each hop of a redirect is a span of its own, since each is a request.
 */
export function fetch(options: FetchOptions = {}): Instrumentation {
  return {
    name: 'fetch',
    supports: [],
    enable: (host) => traceUndici(host, options),
  };
}

function traceUndici(host: InstrumentationHost, options: FetchOptions): () => void {
  const calls = new WeakMap<UndiciRequest, Span>();
  const ignoredHosts = new Set(options.ignoreHosts);
  const query = options.query ?? 'redact';

  function shownUrl(origin: string, path: string): string {
    const mark = path.indexOf('?');
    const target = mark < 0 || query === 'keep' ? path : query === 'drop' ? path.slice(0, mark) : redactQuery(path);
    const url = withoutCredentials(origin) + target;
    return options.redactUrl === undefined ? url : options.redactUrl(url);
  }

  function create({ request }: Message): void {
    const context = activeContext();
    if (isSuppressed(context)) return;
    const origin = String(request.origin);
    const authority = authorityOf(origin);
    if (ignoredHosts.size > 0 && (ignoredHosts.has(authority) || ignoredHosts.has(authority.replace(/:\d+$/, ''))))
      return;
    const span = host.tracer.start('http.client', Kind.client, context);
    calls.set(request, span);
    host.propagation.inject(contextWithSpan(context, span), (name, value) => {
      removeHeader(request.headers, name);
      request.addHeader(name, value);
    });
    if (!span.isRecording()) return;
    span.setResource(authority).set('method', request.method).set('url', shownUrl(origin, request.path));
  }

  function headers({ request, response }: Message): void {
    const span = calls.get(request);
    if (span === undefined || response === undefined) return;
    const status = response.statusCode;
    span.set('status', status);
    if (status >= 400)
      span.setStatus({ code: Status.error, message: `${status} ${response.statusText ?? ''}`.trimEnd() });
    const length = headerOf(response.headers, 'content-length');
    if (length !== undefined) span.set('response_size', Number(length));
    host.propagation.heed(span.trace, (name) => headerOf(response.headers, name), String(request.origin));
  }

  function trailers({ request }: Message): void {
    const span = calls.get(request);
    if (span === undefined) return;
    calls.delete(request);
    span.end();
  }

  function failed({ request, error }: Message): void {
    const span = calls.get(request);
    if (span === undefined) return;
    calls.delete(request);
    const aborted = isAbort(error);
    if (aborted) span.set('aborted', true);
    // The caller may throw the rest of an answer away; giving up before there is one is a failure.
    if (!aborted || attributeOf(span.attributes, 'status') === undefined) span.fail(error);
    span.end();
  }

  const subscriptions = Object.entries({ create, headers, trailers, error: failed }).map(([name, handle]) => {
    const channel = `undici:request:${name}`;
    const listener = (message: unknown): void => {
      if (!host.active) return;
      try {
        handle(message as Message);
      } catch (error) {
        host.fail(channel, error);
      }
    };
    subscribe(channel, listener);
    return () => unsubscribe(channel, listener);
  });
  return () => {
    for (const undo of subscriptions) undo();
  };
}

function authorityOf(origin: string): string {
  const start = origin.indexOf('://');
  const authority = start < 0 ? origin : origin.slice(start + 3);
  return authority.slice(authority.lastIndexOf('@') + 1);
}

/** What the application set by hand would stand beside ours, and two traceparents are none. */
function removeHeader(headers: unknown, name: string): void {
  if (!Array.isArray(headers)) return;
  for (let i = headers.length - 2; i >= 0; i -= 2) {
    const key: unknown = headers[i];
    if (typeof key === 'string' && key.length === name.length && key.toLowerCase() === name) headers.splice(i, 2);
  }
}

function headerOf(headers: readonly Buffer[], name: string): string | undefined {
  let value: string | undefined;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const key = headers[i];
    if (key.length !== name.length || key.toString('latin1').toLowerCase() !== name) continue;
    const text = headers[i + 1].toString('latin1');
    value = value === undefined ? text : `${value}, ${text}`;
  }
  return value;
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}
