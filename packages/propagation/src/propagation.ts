import {
  defaultTextMapGetter,
  defaultTextMapSetter,
  propagation,
  trace as traceApi,
  type Context,
  type SpanContext,
  type TextMapGetter,
  type TextMapPropagator,
  type TextMapSetter,
} from '@opentelemetry/api';
import {
  contextWithSpan,
  Decision,
  isSuppressed,
  RemoteSpanContext,
  Span,
  spanOf,
  type LocalTrace,
  type Propagation,
} from '@forge/core';
import { parseBaggage, writeBaggage } from './baggage.ts';
import { trimOws } from './ows.ts';
import { isHexId, readTraceparent, writeTraceparent } from './traceparent.ts';
import { forgeKeep, forgeSpanId, joinTracestate, parseTracestate, writeForge } from './tracestate.ts';

type Get = (name: string) => string | undefined;
type Set = (name: string, value: string) => void;

export interface PropagationOptions {
  /**
   * Whether the other side is a node of the same mesh, whose word to keep a trace counts. Nobody is, by default:
   * a stranger could otherwise fill the database by setting a flag.
   * Asked once a request or answer that names a trace; must be quick. What throws is not trusted.
   */
  readonly trusted?: (sender: Sender) => boolean;
}

export interface Sender {
  /** What is known of the other side's address, as a URL: `grpc://10.1.2.3:50051`, `job://send_confirmation`. */
  readonly peer: string | undefined;
  /** Whether it called us, or answered our call. */
  readonly way: 'request' | 'response';
  /** Reads its headers. */
  readonly header: Get;
}

/** What Forge's instrumentations use, and at the same time OpenTelemetry's propagator over any carrier. */
export interface ForgePropagation extends Propagation, TextMapPropagator<unknown> {
  inject(context: Context, set: Set): void;
  inject<C>(context: Context, carrier: C, setter: TextMapSetter<C>): void;
  extract(context: Context, get: Get, peer?: string): Context;
  extract<C>(context: Context, carrier: C, getter: TextMapGetter<C>): Context;
}

/**
 * W3C Trace Context, Baggage and `traceresponse`, with Forge's own tracestate member.
 * One object for both: give it to instrumentations, or to `propagation.setGlobalPropagator`.
 */
export function createPropagation(options: PropagationOptions = {}): ForgePropagation {
  return new W3CPropagation(options.trusted ?? (() => false));
}

class W3CPropagation implements ForgePropagation {
  readonly #trusted: (sender: Sender) => boolean;

  constructor(trusted: (sender: Sender) => boolean) {
    this.#trusted = trusted;
  }

  inject(context: Context, setOrCarrier: unknown, setter?: TextMapSetter<unknown>): void {
    if (isSuppressed(context)) return;
    const set: Set =
      setter === undefined && typeof setOrCarrier === 'function'
        ? (setOrCarrier as Set)
        : (name, value) => (setter ?? defaultTextMapSetter).set(setOrCarrier, name, value);
    const span = spanOf(context);
    if (span instanceof Span) injectSpan(span, set);
    else if (span !== undefined) injectForeign(span.spanContext(), set);
    const baggage = propagation.getBaggage(context);
    if (baggage !== undefined) {
      const header = writeBaggage(baggage);
      if (header !== '') set('baggage', header);
    }
  }

  extract(context: Context, getOrCarrier: unknown, getter?: unknown): Context {
    if (typeof getOrCarrier === 'function' && typeof getter !== 'object')
      return this.#extract(context, getOrCarrier as Get, getter as string | undefined);
    const reader = (getter ?? defaultTextMapGetter) as TextMapGetter<unknown>;
    return this.#extract(context, (name) => oneHeader(reader.get(getOrCarrier, name)), undefined);
  }

  #extract(context: Context, get: Get, peer: string | undefined): Context {
    const traceparent = get('traceparent');
    let result = context;
    if (typeof traceparent === 'string') {
      const value = trimOws(traceparent);
      const flags = readTraceparent(value);
      if (flags >= 0) {
        const remote = this.#remote(value, flags, get, peer);
        result = contextWithSpan(context, traceApi.wrapSpanContext(remote));
      }
    }
    const header = get('baggage');
    if (typeof header === 'string' && header !== '') {
      const baggage = parseBaggage(header);
      if (baggage !== undefined) result = propagation.setBaggage(result, baggage);
    }
    return result;
  }

  #remote(traceparent: string, flags: number, get: Get, peer: string | undefined): RemoteSpanContext {
    const header = get('tracestate');
    const state = typeof header === 'string' ? parseTracestate(header) : undefined;
    const forge = state?.forge;
    return new RemoteSpanContext(
      traceparent.slice(3, 35),
      traceparent.slice(36, 52),
      flags,
      this.#isTrusted(get, peer, 'request'),
      forge === undefined ? undefined : forgeSpanId(forge),
      forge === undefined ? undefined : forgeKeep(forge),
      state?.ot,
      state?.others,
    );
  }

  respond(trace: LocalTrace, set: Set): void {
    const root = trace.root;
    if (trace.decision !== Decision.kept || root === undefined) return;
    set('traceresponse', writeTraceparent(trace.id, root.spanId, trace.flags));
  }

  heed(trace: LocalTrace, get: Get, peer?: string): void {
    if (trace.decision === Decision.kept || trace.decision === Decision.dropped) return;
    const header = get('traceresponse');
    if (typeof header !== 'string') return;
    const value = trimOws(header);
    const flags = readTraceparent(value);
    if (flags < 0 || (flags & 1) === 0 || !value.startsWith(trace.id, 3)) return;
    if (this.#isTrusted(get, peer, 'response')) trace.keep('peer');
  }

  fields(): string[] {
    return ['traceparent', 'tracestate', 'baggage'];
  }

  #isTrusted(header: Get, peer: string | undefined, way: Sender['way']): boolean {
    try {
      return this.#trusted({ peer, way, header });
    } catch {
      return false;
    }
  }
}

function injectSpan(span: Span, set: Set): void {
  const { trace } = span;
  const spanId = span.spanId;
  set('traceparent', writeTraceparent(trace.id, spanId, trace.flags));
  const ours = `forge=${writeForge(spanId, trace.decision === Decision.kept ? trace.keepReason : undefined)}`;
  set(
    'tracestate',
    joinTracestate(trace.otState === undefined ? ours : `${ours},ot=${trace.otState}`, trace.otherState),
  );
}

/** A span of another tracer, or the caller's own where this process made none: passed on as it came. */
function injectForeign(context: SpanContext, set: Set): void {
  const { traceId, spanId, traceFlags } = context;
  if (traceId.length !== 32 || spanId.length !== 16 || !isHexId(traceId, 0, 32) || !isHexId(spanId, 0, 16)) return;
  set('traceparent', writeTraceparent(traceId, spanId, traceFlags));
  let ours: string | undefined;
  let ot: string | undefined;
  let others: string | undefined;
  if (context instanceof RemoteSpanContext) {
    if (context.forgeSpanId !== undefined) ours = writeForge(context.forgeSpanId, context.keep);
    ot = context.otState;
    others = context.otherState;
  } else {
    const raw = context.traceState?.serialize();
    if (raw !== undefined) ({ forge: ours, ot, others } = parseTracestate(raw));
  }
  const first = [...(ours === undefined ? [] : [`forge=${ours}`]), ...(ot === undefined ? [] : [`ot=${ot}`])].join(',');
  const state = joinTracestate(first, others);
  if (state !== '') set('tracestate', state);
}

/** Headers that a getter hands over as lines are joined as HTTP joins them; two traceparents then are an invalid one. */
function oneHeader(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? (value.length === 1 ? value[0] : value.join(',')) : value;
}
