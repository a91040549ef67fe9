import http2, { type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { Decision } from '@forge/core';
import type { InstrumentationHost } from '@forge/instrumentation';
import { patchMethod } from './patch-method.ts';
import {
  type Emit,
  emitInContext,
  emitUntraced,
  IGNORED,
  isTracedHere,
  REQUEST,
  type RequestSpans,
  type ServedRequest,
} from './served-request.ts';

interface TracedStream extends ServerHttp2Stream {
  [REQUEST]?: ServedRequest | undefined;
}

type Respond = (this: unknown, headers?: Record<string, unknown>, ...rest: unknown[]) => void;

/**
 * Traces what HTTP/2 servers serve, by their `stream` event: it comes first, and the compatibility API's `request` is
 * emitted by one of its listeners. gRPC is left to its own instrumentation.
 */
export function traceHttp2Servers(host: InstrumentationHost, spans: RequestSpans): () => void {
  const undos: (() => void)[] = [];
  let streamsArePatched = false;

  function begin(stream: TracedStream, headers: IncomingHttpHeaders): ServedRequest | typeof IGNORED | undefined {
    if (headers === undefined || stream[REQUEST] !== undefined || !isTracedHere()) return undefined;
    if (headers['content-type']?.startsWith('application/grpc') === true) return undefined;
    const method = headers[':method'] ?? 'GET';
    const origin = `${headers[':scheme'] ?? 'https'}://${headers[':authority'] ?? headers.host ?? 'localhost'}`;
    const served = spans.begin(method, headers[':path'] ?? '/', origin, headers, stream.session?.socket ?? {});
    if (served === IGNORED) return served;
    if (!streamsArePatched) patchStreams(stream);
    stream[REQUEST] = served;
    stream.once('close', () => {
      try {
        finish(served, stream);
      } catch (error) {
        host.fail('server response', error);
      }
    });
    return served;
  }

  function finish(served: ServedRequest, stream: TracedStream): void {
    const sent = stream.headersSent ? stream.sentHeaders : undefined;
    const status = sent?.[':status'];
    const size = sent?.['content-length'];
    spans.end(
      served,
      status === undefined ? undefined : Number(status),
      size === undefined ? undefined : Number(size),
      stream.aborted || (stream.rstCode ?? 0) !== http2.constants.NGHTTP2_NO_ERROR,
      undefined,
    );
  }

  /** The class of streams is not exported: the first stream shows it. */
  function patchStreams(stream: TracedStream): void {
    streamsArePatched = true;
    const prototype = Object.getPrototypeOf(stream) as object;
    undos.push(
      patchMethod<Emit>(prototype, 'emit', emitInContext),
      patchMethod<Respond>(prototype, 'respond', responding),
    );
  }

  const responding = (respond: Respond): Respond =>
    function (this: unknown, headers?: Record<string, unknown>, ...rest: unknown[]): void {
      const trace = (this as TracedStream)[REQUEST]?.span.trace;
      let sent = headers;
      if (trace !== undefined) {
        try {
          if (trace.decision === Decision.kept)
            host.propagation.respond(trace, (name, value) => void (sent = { ...sent, [name]: value }));
          const type = headers?.['content-type'];
          if (typeof type === 'string' && type.startsWith('text/event-stream')) trace.slowExempt = true;
        } catch (error) {
          sent = headers;
          host.fail('server headers', error);
        }
      }
      Reflect.apply(respond, this, [sent, ...rest]);
    };

  const serverEmit = (emit: Emit): Emit =>
    function (this: unknown, event: string | symbol, first?: unknown, second?: unknown): boolean {
      let served: ServedRequest | typeof IGNORED | undefined;
      if (host.active && event === 'stream') {
        try {
          served = begin(first as TracedStream, second as IncomingHttpHeaders);
        } catch (error) {
          host.fail('server request', error);
        }
      }
      if (served === undefined) return Reflect.apply(emit, this, arguments);
      return served === IGNORED ? emitUntraced(emit, this, arguments) : served.serve(host, emit, this, arguments);
    };

  for (const prototype of http2ServerPrototypes()) undos.push(patchMethod<Emit>(prototype, 'emit', serverEmit));
  return () => {
    for (const undo of undos) undo();
  };
}

/** The classes of servers are not exported either. A server that never listens costs nothing. */
export function http2ServerPrototypes(): object[] {
  return [http2.createServer(), http2.createSecureServer()].map((server) => Object.getPrototypeOf(server) as object);
}
