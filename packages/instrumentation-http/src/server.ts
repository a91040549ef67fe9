import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import { Decision, type LocalTrace } from '@forge/core';
import type { InstrumentationHost } from '@forge/instrumentation';
import { http2ServerPrototypes } from './http2-server.ts';
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

interface TracedRequest extends IncomingMessage {
  [REQUEST]?: ServedRequest | undefined;
  /** What Express and its kin leave on a request that they routed. */
  readonly route?: { readonly path?: unknown };
  readonly baseUrl?: unknown;
}
interface TracedResponse extends ServerResponse {
  [REQUEST]?: ServedRequest | undefined;
  /** The length that Node announces, null where it sends chunks. */
  readonly _contentLength?: number | null;
}
/** Node's own link from a connection to the answer that is due on it. */
interface ServerSocket extends Socket {
  readonly _httpMessage?: TracedResponse | null;
}

type WriteHead = (this: unknown, ...args: unknown[]) => ServerResponse;

const REQUEST_TIMEOUT = 'ERR_HTTP_REQUEST_TIMEOUT';

/**
 * Traces what the process's HTTP/1 servers serve, by wrapping `emit` of their prototypes: it sees every import style,
 * servers that listened before, upgrades, and adds nothing to a server that somebody could trip over.
 */
export function traceServers(host: InstrumentationHost, spans: RequestSpans): () => void {
  function begin(request: TracedRequest): ServedRequest | typeof IGNORED {
    const { headers, socket } = request;
    const scheme = (socket as { encrypted?: boolean }).encrypted === true ? 'https://' : 'http://';
    const origin = scheme + (headers.host ?? 'localhost');
    return spans.begin(request.method ?? 'GET', request.url ?? '/', origin, headers, socket);
  }

  // The undo waits for the requests under way: their spans end as they do.
  let underWay = 0;
  let undoEmits: (() => void) | undefined;

  function beginExchange(request: TracedRequest, response: TracedResponse): ServedRequest | typeof IGNORED | undefined {
    if (!isServable(request, response)) return undefined;
    const served = begin(request);
    if (served !== IGNORED) {
      request[REQUEST] = served;
      response[REQUEST] = served;
      underWay++;
    }
    return served;
  }

  /** A connection that becomes something else: its request lasts as long as it does, and nobody is slow for that. */
  function beginUpgrade(request: TracedRequest, socket: Socket): ServedRequest | typeof IGNORED | undefined {
    if (!(request instanceof http.IncomingMessage) || typeof socket?.once !== 'function' || !isTracedHere())
      return undefined;
    const served = begin(request);
    if (served === IGNORED) return served;
    const { span } = served;
    span.trace.slowExempt = true;
    const protocol = served.method === 'CONNECT' ? 'connect' : request.headers.upgrade;
    span.set('upgrade', protocol);
    if (served.method === 'CONNECT') span.setResource('CONNECT *');
    let status: number | undefined;
    const stopLooking = onFirstWrite(socket, (bytes) => (status = statusOf(bytes)));
    socket.once('close', () => {
      stopLooking();
      try {
        spans.end(served, status, undefined, false, undefined);
      } catch (error) {
        host.fail('server upgrade', error);
      }
    });
    return served;
  }

  function beginOn(
    event: string | symbol,
    first: unknown,
    second: unknown,
  ): ServedRequest | typeof IGNORED | undefined {
    switch (event) {
      case 'request':
      case 'checkContinue':
      case 'checkExpectation':
        return beginExchange(first as TracedRequest, second as TracedResponse);
      case 'upgrade':
      case 'connect':
        return beginUpgrade(first as TracedRequest, second as Socket);
      case 'timeout':
        noteTimeout(first);
        return undefined;
      case 'clientError':
        if ((first as NodeJS.ErrnoException | undefined)?.code === REQUEST_TIMEOUT) noteTimeout(second);
        return undefined;
      default:
        return undefined;
    }
  }

  function finish(served: ServedRequest, response: TracedResponse): void {
    const size = response._contentLength;
    spans.end(
      served,
      response.headersSent ? response.statusCode : undefined,
      typeof size === 'number' ? size : undefined,
      !response.writableFinished,
      routeOf(response.req),
    );
  }

  const serverEmit = (emit: Emit): Emit =>
    function (this: unknown, event: string | symbol, first?: unknown, second?: unknown): boolean {
      let served: ServedRequest | typeof IGNORED | undefined;
      if (host.active) {
        try {
          served = beginOn(event, first, second);
        } catch (error) {
          host.fail('server request', error);
        }
      }
      if (served === undefined) return Reflect.apply(emit, this, arguments);
      return served === IGNORED ? emitUntraced(emit, this, arguments) : served.serve(host, emit, this, arguments);
    };

  /** The end of a request: `close` follows `finish`, and an abort. */
  const responseEmit = (emit: Emit): Emit => {
    const inContext = emitInContext(emit);
    return function (this: unknown, event: string | symbol): boolean {
      const response = this as TracedResponse;
      const served = event === 'close' ? response[REQUEST] : undefined;
      if (served === undefined) return Reflect.apply(inContext, this, arguments);
      try {
        return Reflect.apply(inContext, this, arguments);
      } finally {
        response[REQUEST] = undefined;
        if (--underWay === 0) undoEmits?.();
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
    function (this: unknown): ServerResponse {
      const response = this as TracedResponse;
      const trace = response[REQUEST]?.span.trace;
      if (trace !== undefined && !response.headersSent) {
        try {
          if (trace.decision === Decision.kept) respond(host, trace, response);
          if (isEventStream(response, arguments)) trace.slowExempt = true;
        } catch (error) {
          host.fail('server headers', error);
        }
      }
      return Reflect.apply(writeHead, this, arguments);
    };

  // A secure HTTP/2 server takes HTTP/1 where it is told to.
  const servers = [http.Server.prototype, https.Server.prototype, ...http2ServerPrototypes()];
  const undos = [
    ...servers.map((prototype) => patchMethod<Emit>(prototype, 'emit', serverEmit)),
    patchMethod<WriteHead>(http.ServerResponse.prototype, 'writeHead', writeHeadResponding),
  ];
  const emits = [
    patchMethod<Emit>(http.IncomingMessage.prototype, 'emit', emitInContext),
    patchMethod<Emit>(http.ServerResponse.prototype, 'emit', responseEmit),
  ];
  return () => {
    for (const undo of undos) undo();
    undoEmits = () => {
      for (const undo of emits) undo();
    };
    if (underWay === 0) undoEmits();
  };
}

function respond(host: InstrumentationHost, trace: LocalTrace, response: ServerResponse): void {
  host.propagation.respond(trace, (name, value) => void response.setHeader(name, value));
}

/** Not a second `emit` of a request in service (the way on from `checkContinue`), and no made-up or foreign objects. */
function isServable(request: TracedRequest | undefined, response: TracedResponse | undefined): boolean {
  return (
    response instanceof http.ServerResponse &&
    response[REQUEST] === undefined &&
    request?.headers !== undefined &&
    request.socket !== undefined &&
    isTracedHere()
  );
}

type Write = (this: unknown, ...args: unknown[]) => unknown;

/** Who takes a connection over answers on it by hand: what is written first says how. Returns the undo. */
function onFirstWrite(socket: Socket, look: (bytes: unknown) => void): () => void {
  const undos = ['write', 'end'].map((name) =>
    patchMethod<Write>(
      socket,
      name,
      (write) =>
        function (this: unknown, ...args: unknown[]): unknown {
          stop();
          look(args[0]);
          return Reflect.apply(write, this, args);
        },
    ),
  );
  const stop = (): void => {
    for (const undo of undos.splice(0)) undo();
  };
  return stop;
}

function statusOf(bytes: unknown): number | undefined {
  const text =
    typeof bytes === 'string' ? bytes.slice(0, 12) : Buffer.isBuffer(bytes) ? bytes.toString('latin1', 0, 12) : '';
  return /^HTTP\/1\.[01] \d{3}$/.test(text) ? Number(text.slice(9)) : undefined;
}

function noteTimeout(socket: unknown): void {
  (socket as ServerSocket | undefined)?._httpMessage?.[REQUEST]?.span.set('timeout', true);
}

/** Server-sent events go on for as long as somebody listens: long, not slow. */
function isEventStream(response: ServerResponse, args: ArrayLike<unknown>): boolean {
  let type: unknown = response.getHeader('content-type');
  const headers = args[args.length - 1];
  if (type === undefined && typeof headers === 'object' && headers !== null) type = contentTypeIn(headers);
  return typeof type === 'string' && type.startsWith('text/event-stream');
}

/** Of the headers that were given to `writeHead`: an object, a flat list or a list of pairs. */
function contentTypeIn(headers: object): unknown {
  if (!Array.isArray(headers)) {
    const { 'content-type': lower, 'Content-Type': upper } = headers as Record<string, unknown>;
    return lower ?? upper;
  }
  const flat: unknown[] = headers.flat();
  const at = flat.findIndex((name) => typeof name === 'string' && name.toLowerCase() === 'content-type');
  return at < 0 ? undefined : flat[at + 1];
}

function routeOf(request: TracedRequest): string | undefined {
  const path = request.route?.path;
  if (typeof path !== 'string') return undefined;
  const base = typeof request.baseUrl === 'string' ? request.baseUrl : '';
  return base === '' || path !== '/' ? base + path : base;
}
