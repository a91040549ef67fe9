import http2, { type ClientHttp2Session, type ClientHttp2Stream, type IncomingHttpHeaders } from 'node:http2';
import { errorMonitor } from 'node:events';
import { syncBuiltinESMExports } from 'node:module';
import type { Context } from '@opentelemetry/api';
import { activeContext, contextWithSpan, isSuppressed, type Span } from '@forge/core';
import type { InstrumentationHost } from '@forge/instrumentation';
import type { CallSpans } from './called-request.ts';
import { patchMethod } from './patch-method.ts';
import { type Emit, emitInContext, REQUEST } from './served-request.ts';

type Connect = typeof http2.connect;
type Request = (this: unknown, headers?: Record<string, unknown>, ...rest: unknown[]) => ClientHttp2Stream;

interface CallingStream extends ClientHttp2Stream {
  /** The caller's context: what the connection brings would else be heard in the context of whoever opened it. */
  [REQUEST]?: { readonly context: Context };
}

/** Traces `session.request` of HTTP/2 clients. gRPC is left to its own instrumentation. */
export function traceHttp2Clients(host: InstrumentationHost, spans: CallSpans): () => void {
  const undos: (() => void)[] = [];
  let sessionsArePatched = false;
  let streamsArePatched = false;
  const authorities = new WeakMap<ClientHttp2Session, string>();

  function isTraced(session: ClientHttp2Session, headers: Record<string, unknown>): boolean {
    if (textOf(headers['content-type'])?.startsWith('application/grpc') === true) return false;
    return !spans.isIgnored(textOf(headers[':authority']) ?? authorities.get(session) ?? '');
  }

  function follow(span: Span, stream: CallingStream, caller: Context): void {
    const sent = stream.sentHeaders ?? {};
    const authority = textOf(sent[':authority']) ?? '';
    const protocol = `${textOf(sent[':scheme']) ?? 'https'}:`;
    spans.describe(span, textOf(sent[':method']) ?? 'GET', protocol, authority, textOf(sent[':path']) ?? '/');
    if (!streamsArePatched) {
      streamsArePatched = true;
      undos.push(patchMethod<Emit>(Object.getPrototypeOf(stream) as object, 'emit', emitInContext));
    }
    stream[REQUEST] = { context: caller };
    const guarded = (hook: string, work: () => void) => (): void => {
      try {
        work();
      } catch (error) {
        host.fail(hook, error);
      }
    };
    stream.on('response', (headers: IncomingHttpHeaders & { ':status'?: number }) =>
      guarded('client response', () => {
        const text = (name: string): string | undefined => textOf(headers[name]);
        spans.answer(span, Number(headers[':status']), '', text('content-length'), text, `${protocol}//${authority}`);
      })(),
    );
    stream.on(errorMonitor, (error: Error) => guarded('client error', () => span.fail(error))());
    stream.on(
      'timeout',
      guarded('client timeout', () => void span.set('timeout', true)),
    );
    stream.on(
      'close',
      guarded('client close', () => {
        if (stream.aborted || (stream.rstCode ?? 0) !== http2.constants.NGHTTP2_NO_ERROR) span.set('aborted', true);
        span.end();
      }),
    );
  }

  const request = (original: Request): Request =>
    function (this: unknown, headers: Record<string, unknown> = {}, ...rest: unknown[]): ClientHttp2Stream {
      const session = this as ClientHttp2Session;
      const caller = activeContext();
      if (!host.active || isSuppressed(caller) || Array.isArray(headers))
        return Reflect.apply(original, this, [headers, ...rest]);
      let span: Span | undefined;
      let sent = headers;
      try {
        if (isTraced(session, headers)) {
          span = spans.start(caller);
          const copy = Object.assign({}, headers);
          // Sensitive headers are named by a symbol, which Object.assign copies too.
          host.propagation.inject(contextWithSpan(caller, span), (name, value) => void (copy[name] = value));
          sent = copy;
        }
      } catch (error) {
        span = undefined;
        sent = headers;
        host.fail('client request', error);
      }
      let stream: ClientHttp2Stream;
      try {
        stream = Reflect.apply(original, this, [sent, ...rest]);
      } catch (error) {
        try {
          span?.fail(error).end();
        } catch (failure) {
          host.fail('client request', failure);
        }
        throw error;
      }
      if (span !== undefined) {
        try {
          follow(span, stream, caller);
        } catch (error) {
          host.fail('client request', error);
        }
      }
      return stream;
    };

  /** The class of sessions is not exported: the first session shows it. */
  const connect = ((original: Connect) =>
    function (this: unknown, ...args: unknown[]): ClientHttp2Session {
      const session = Reflect.apply(original as (...all: unknown[]) => ClientHttp2Session, this, args);
      if (!host.active) return session;
      try {
        if (!sessionsArePatched) {
          sessionsArePatched = true;
          undos.push(patchMethod<Request>(Object.getPrototypeOf(session) as object, 'request', request));
        }
        const authority: unknown = args[0];
        authorities.set(session, typeof authority === 'string' ? new URL(authority).host : (authority as URL).host);
      } catch (error) {
        host.fail('client session', error);
      }
      return session;
    }) as unknown as (method: (...args: never[]) => unknown) => (...args: never[]) => unknown;

  undos.push(patchMethod(http2, 'connect', connect));
  syncBuiltinESMExports();
  return () => {
    for (const undo of undos) undo();
    syncBuiltinESMExports();
  };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
