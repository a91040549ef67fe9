import type { Metadata, ServerInterceptingCall, ServerInterceptor, StatusObject } from '@grpc/grpc-js';
import { ROOT_CONTEXT, type Context } from '@opentelemetry/api';
import {
  activeContext,
  contextWithSpan,
  Decision,
  ForgeContext,
  isSuppressed,
  Kind,
  type LocalTrace,
  runInContext,
  type Span,
  Status,
} from '@forge/core';
import { activeHost, type InstrumentationHost } from '@forge/instrumentation';
import { parseMethodPath } from './method-path.ts';
import { CANCELLED, DEADLINE_EXCEEDED, isServerError, OK, statusName } from './status.ts';

type PartialStatus = Pick<StatusObject, 'code' | 'details'> & { metadata?: Metadata | null };

interface Listener {
  onReceiveMetadata(metadata: Metadata): void;
  onReceiveMessage(message: unknown): void;
  onReceiveHalfClose(): void;
  onCancel(): void;
}

type Method = Parameters<ServerInterceptor>[0];

/** The parts of grpc-js's server call that are traced. */
interface ServerCall {
  start(listener: Listener): void;
  sendStatus(status: PartialStatus): void;
  getPeer(): string;
  getDeadline(): Date | number;
}

// A connection inherits the context in which its server was started; the calls on it do not belong to that.
const ROOT = new ForgeContext(ROOT_CONTEXT, undefined, false, undefined, undefined);

/**
 * Traces one served call from its metadata to its status. The methods of the call itself are replaced, not those of a
 * wrapper around it: grpc-js sends some statuses (a passed deadline, a message that it cannot read) on its own.
 */
function traceCall(call: ServerCall, { path, requestStream, responseStream }: Method, host: InstrumentationHost): void {
  const { start, sendStatus } = call;
  let span: Span | undefined;
  let received: Metadata | undefined;

  function finish(code: number, details: string): void {
    const ended = span;
    span = undefined;
    if (ended === undefined) return;
    if (ended.isRecording()) {
      const name = statusName(code);
      ended.set('status', name).set('grpc.status_code', code).set('peer', call.getPeer());
      if (code === CANCELLED) ended.set('cancelled', true);
      if (code !== OK) ended.recordException({ name, message: details, code });
      if (isServerError(code))
        ended.setStatus({ code: Status.error, message: details === '' ? name : `${name}: ${details}` });
    }
    ended.end();
  }

  call.start = function (this: ServerCall, listener: Listener): void {
    let context: Context | undefined;
    const enter = (work: () => void): void => {
      if (context === undefined) work();
      else runInContext(context, work);
    };
    const traced: Listener = {
      onReceiveMetadata(metadata) {
        try {
          const parent = host.propagation.extract(ROOT, (name) => joined(metadata, name), `grpc://${call.getPeer()}`);
          span = host.tracer.start('grpc.call', Kind.server, parent);
          if (span.isRecording()) {
            const { service, method, resource } = parseMethodPath(path);
            span.setResource(resource).set('service', service).set('method', method);
          }
          // A stream may stay open for hours.
          if (requestStream || responseStream) span.trace.slowExempt = true;
          received = metadata;
          context = contextWithSpan(parent, span);
        } catch (error) {
          host.fail('server call', error);
        }
        enter(() => listener.onReceiveMetadata(metadata));
      },
      onReceiveMessage: (message) => enter(() => listener.onReceiveMessage(message)),
      onReceiveHalfClose: () => enter(() => listener.onReceiveHalfClose()),
      onCancel() {
        // It follows every status too, when the span has ended.
        try {
          if (span !== undefined) {
            const late = Date.now() >= Number(call.getDeadline());
            finish(late ? DEADLINE_EXCEEDED : CANCELLED, late ? 'deadline exceeded' : 'cancelled by the caller');
          }
        } catch (error) {
          host.fail('server cancel', error);
        }
        enter(() => listener.onCancel());
      },
    };
    Reflect.apply(start, this, [traced]);
  };

  call.sendStatus = function (this: ServerCall, status: PartialStatus): void {
    let sent = status;
    try {
      if (span !== undefined) {
        const trace = span.trace;
        // The end may be what keeps the trace, and the trailers tell the caller.
        finish(status.code, status.details);
        if (trace.decision === Decision.kept) sent = withTrailer(status, trace, received, host);
      }
    } catch (error) {
      sent = status;
      host.fail('server status', error);
    }
    Reflect.apply(sendStatus, this, [sent]);
  };
}

/** The status with `traceresponse` among its trailers. */
function withTrailer(
  status: PartialStatus,
  trace: LocalTrace,
  received: Metadata | undefined,
  host: InstrumentationHost,
): PartialStatus {
  let metadata: Metadata | undefined;
  host.propagation.respond(trace, (name, value) => {
    metadata ??= status.metadata?.clone() ?? emptyLike(received);
    metadata?.set(name, value);
  });
  return metadata === undefined ? status : { ...status, metadata };
}

/** A new Metadata of the copy of grpc-js that is in use. */
function emptyLike(metadata: Metadata | undefined): Metadata | undefined {
  return metadata === undefined ? undefined : new (metadata.constructor as new () => Metadata)();
}

function joined(metadata: Metadata, name: string): string | undefined {
  const values = metadata.get(name);
  return values.length === 0 ? undefined : values.length === 1 ? String(values[0]) : values.join(',');
}

const traced = new WeakSet<object>();
// The plugin of this copy of the package; explicit interceptors of another copy (a bundle) find it through the registry.
let running: InstrumentationHost | undefined;

/**
 * Traces the calls that one server serves, for programs whose copy of @grpc/grpc-js cannot be reached (a bundle):
 * `new Server({ interceptors: [serverInterceptor()] })`. Put it first, so that the other interceptors run within the
 * span. It does nothing while the plugin `grpc` is not running, and never traces a call twice.
 */
export function serverInterceptor(): ServerInterceptor {
  return intercept;
}

function intercept(method: Method, call: Parameters<ServerInterceptor>[1]): ServerInterceptingCall {
  const host = running?.active === true ? running : activeHost('grpc');
  if (host !== undefined && !traced.has(call)) {
    try {
      traced.add(call);
      if (!isSuppressed(activeContext())) traceCall(call, method, host);
    } catch (error) {
      host.fail('server interceptor', error);
    }
  }
  // The same call, with two of its methods replaced; the declared class is never checked.
  return call as ServerInterceptingCall;
}

interface ServerPrototype {
  register(this: { interceptors?: ServerInterceptor[] }, ...args: unknown[]): boolean;
}

/**
 * Traces every server: its interceptors, which its constructor keeps, get one more in front when a method is
 * registered. What comes before the first method cannot be a call. The interceptor stays in servers that exist when
 * tracing ends, and then only hands the call on.
 */
export function patchServer(prototype: ServerPrototype, host: InstrumentationHost): () => void {
  running = host;
  const register = prototype.register;
  const wrapped = function (this: { interceptors?: ServerInterceptor[] }, ...args: unknown[]): boolean {
    if (host.active && Array.isArray(this.interceptors) && !this.interceptors.includes(intercept))
      this.interceptors = [intercept, ...this.interceptors];
    return Reflect.apply(register, this, args);
  };
  prototype.register = wrapped;
  return () => {
    if (running === host) running = undefined;
    if (prototype.register === wrapped) prototype.register = register;
  };
}
