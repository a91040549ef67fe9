import type { Interceptor, InterceptingCall, Metadata, StatusObject } from '@grpc/grpc-js';
import type { Context } from '@opentelemetry/api';
import { activeContext, contextWithSpan, isSuppressed, Kind, runInContext, type Span, Status } from '@forge/core';
import { activeHost, type InstrumentationHost } from '@forge/instrumentation';
import { parseMethodPath } from './method-path.ts';
import { CANCELLED, OK, statusName } from './status.ts';

interface Listener {
  onReceiveMetadata(metadata: Metadata): void;
  onReceiveMessage(message: unknown): void;
  onReceiveStatus(status: StatusObject): void;
}

/** What a channel's call and an intercepting call have in common. */
interface StartableCall {
  start(metadata: Metadata, listener?: Partial<Listener>): void;
  getPeer(): string;
}

// While an explicit interceptor makes its inner call, the patched channel leaves that call alone.
let intercepting = false;

/**
 * Traces one outgoing call from its start to its status, whatever kind of streaming it is: unary or not, a call ends
 * with exactly one status. The caller's callbacks and stream events run in the context in which it made the call,
 * even where a connection that was opened by somebody else brings them.
 */
function traceCall(call: StartableCall, path: string, host: InstrumentationHost, caller: Context): void {
  const start = call.start;
  call.start = function (this: StartableCall, metadata: Metadata, listener: Partial<Listener> = {}): void {
    let span: Span | undefined;
    let sent = metadata;
    try {
      span = begin(path, host, caller);
      // The application's metadata may serve other calls too.
      const own = metadata.clone();
      host.propagation.inject(contextWithSpan(caller, span), (name, value) => own.set(name, value));
      sent = own;
    } catch (error) {
      span = undefined;
      host.fail('client call', error);
    }
    if (span === undefined) {
      Reflect.apply(start, this, [metadata, listener]);
      return;
    }
    Reflect.apply(start, this, [sent, tracedListener(this, listener, span, host, caller)]);
  };
}

function begin(path: string, host: InstrumentationHost, caller: Context): Span {
  const span = host.tracer.start('grpc.call', Kind.client, caller);
  if (span.isRecording()) {
    const { service, method, resource } = parseMethodPath(path);
    span.setResource(resource).set('service', service).set('method', method);
  }
  return span;
}

function tracedListener(
  call: StartableCall,
  listener: Partial<Listener>,
  span: Span,
  host: InstrumentationHost,
  caller: Context,
): Listener {
  return {
    onReceiveMetadata(metadata) {
      try {
        heed(metadata, call, span, host);
      } catch (error) {
        host.fail('client metadata', error);
      }
      runInContext(caller, () => listener.onReceiveMetadata?.(metadata));
    },
    onReceiveMessage(message) {
      runInContext(caller, () => listener.onReceiveMessage?.(message));
    },
    onReceiveStatus(status) {
      try {
        heed(status.metadata, call, span, host);
        finish(call, span, status);
      } catch (error) {
        host.fail('client status', error);
      }
      runInContext(caller, () => listener.onReceiveStatus?.(status));
    },
  };
}

function heed(metadata: Metadata | undefined, call: StartableCall, span: Span, host: InstrumentationHost): void {
  if (metadata === undefined) return;
  host.propagation.heed(span.trace, (name) => metadata.get(name)[0]?.toString(), `grpc://${call.getPeer()}`);
}

function finish(call: StartableCall, span: Span, { code, details }: StatusObject): void {
  if (span.isRecording()) {
    const name = statusName(code);
    span.set('status', name).set('grpc.status_code', code).set('peer', call.getPeer());
    if (code === CANCELLED) span.set('cancelled', true);
    if (code !== OK) {
      span.recordException({ name, message: details, code });
      span.setStatus({ code: Status.error, message: details === '' ? name : `${name}: ${details}` });
    }
  }
  span.end();
}

/**
 * Traces the calls of one client, for programs whose copy of @grpc/grpc-js cannot be reached (a bundle):
 * `new Client(address, credentials, { interceptors: [clientInterceptor()] })`. Put it first: what comes before it is
 * not seen. It does nothing while the plugin `grpc` is not running, and never traces a call twice.
 */
export function clientInterceptor(): Interceptor {
  return (options, nextCall) => {
    const host = activeHost('grpc');
    const caller = activeContext();
    if (host === undefined || isSuppressed(caller)) return nextCall(options) as InterceptingCall;
    const before = intercepting;
    intercepting = true;
    let call: InterceptingCall;
    try {
      call = nextCall(options) as InterceptingCall;
    } finally {
      intercepting = before;
    }
    try {
      traceCall(call, options.method_definition.path, host, caller);
    } catch (error) {
      host.fail('client interceptor', error);
    }
    return call;
  };
}

interface ChannelPrototype {
  createCall(this: unknown, method: string, ...rest: unknown[]): StartableCall;
}

/** Traces every call of every client, past and future: all go through their channel's `createCall`. */
export function patchChannel(prototype: ChannelPrototype, host: InstrumentationHost): () => void {
  const createCall = prototype.createCall;
  const wrapped = function (this: unknown, method: string, ...rest: unknown[]): StartableCall {
    const call = Reflect.apply(createCall, this, [method, ...rest]);
    if (!host.active || intercepting) return call;
    try {
      const caller = activeContext();
      if (!isSuppressed(caller)) traceCall(call, method, host, caller);
    } catch (error) {
      host.fail('client channel', error);
    }
    return call;
  };
  prototype.createCall = wrapped;
  return () => {
    if (prototype.createCall === wrapped) prototype.createCall = createCall;
  };
}
