import type { Context, Span as ApiSpan, SpanContext, SpanOptions, Tracer as ApiTracer } from '@opentelemetry/api';
import type { Clock } from './clock.ts';
import { activeContext, contextWithSpan, isSuppressed, runInContext, spanOf } from './context.ts';
import { hexToWord } from './hex.ts';
import type { SpanLimits } from './limits.ts';
import { cut } from './limits.ts';
import { Decision, LocalTrace } from './local-trace.ts';
import type { Redactor } from './redaction.ts';
import { droppedTrace, type TracerRuntime } from './runtime.ts';
import { Span, spanIdWords } from './span.ts';
import { Kind, type Origin, type Scope } from './span-data.ts';
import { monotonicMs } from './time-input.ts';

/** Makes spans for one instrumentation scope. `start` is the quick way in; `startSpan` is OpenTelemetry's. */
export class Tracer implements ApiTracer {
  readonly scope: Scope;
  readonly limits: SpanLimits;
  readonly redactor: Redactor;
  readonly clock: Clock;
  readonly #runtime: TracerRuntime;

  constructor(runtime: TracerRuntime, scope: Scope) {
    this.#runtime = runtime;
    this.scope = scope;
    this.limits = runtime.limits;
    this.redactor = runtime.redactor;
    this.clock = runtime.clock;
  }

  get origin(): Origin {
    return this.#runtime.origin;
  }

  /**
   * Starts a span as a child of `context`'s span, or as a new trace's root where there is none.
   * @param name the operation, at most 255 characters, of low cardinality
   * @param kind OpenTelemetry's number
   * @param context where the parent is looked up; the active context by default
   */
  start(name: string, kind: Kind = Kind.internal, context: Context = activeContext()): Span {
    return isSuppressed(context)
      ? this.#silent(name, kind, spanOf(context))
      : this.#begin(name, kind, spanOf(context), this.clock.nowMs());
  }

  startSpan(name: string, options: SpanOptions = {}, context: Context = activeContext()): Span {
    const parent = options.root === true ? undefined : spanOf(context);
    const kind = (options.kind ?? Kind.internal) as Kind;
    const shortName = cut(String(name), 255);
    if (isSuppressed(context)) return this.#silent(shortName, kind, parent);
    const nowMs = this.clock.nowMs();
    const startMs =
      options.startTime === undefined
        ? nowMs
        : monotonicMs(options.startTime, parentAnchor(parent) ?? this.clock.anchorMs(nowMs), this.clock);
    const span = this.#begin(shortName, kind, parent, startMs);
    if (options.attributes !== undefined) span.setAttributes(options.attributes);
    if (options.links !== undefined) span.addLinks(options.links);
    return span;
  }

  startActiveSpan<F extends (span: Span) => unknown>(name: string, fn: F): ReturnType<F>;
  startActiveSpan<F extends (span: Span) => unknown>(name: string, options: SpanOptions, fn: F): ReturnType<F>;
  startActiveSpan<F extends (span: Span) => unknown>(
    name: string,
    options: SpanOptions,
    context: Context,
    fn: F,
  ): ReturnType<F>;
  startActiveSpan<F extends (span: Span) => unknown>(
    name: string,
    a: F | SpanOptions,
    b?: F | Context,
    c?: F,
  ): ReturnType<F> {
    const fn = (c ?? (typeof b === 'function' ? b : a)) as F;
    const options = (typeof a === 'function' ? undefined : a) ?? {};
    const parent = typeof b === 'object' ? b : activeContext();
    const span = this.startSpan(name, options, parent);
    return runInContext(contextWithSpan(parent, span), () => fn(span)) as ReturnType<F>;
  }

  #begin(name: string, kind: Kind, parent: ApiSpan | undefined, startMs: number): Span {
    const runtime = this.#runtime;
    const ids = runtime.ids;
    const idHigh = ids.word();
    const idLow = ids.word() || 1; // an id of zeros is invalid
    runtime.started++;
    if (parent instanceof Span) {
      const trace = parent.trace;
      const span = new Span(trace, this, name, kind, idHigh, idLow, parent.idHigh, parent.idLow, startMs);
      trace.openSpans++;
      if (trace.decision !== Decision.dropped) trace.pipeline.onStart(span);
      return span;
    }
    const remote = parent?.spanContext();
    return this.#beginLocalRoot(
      name,
      kind,
      remote !== undefined && isValid(remote) ? remote : undefined,
      idHigh,
      idLow,
      startMs,
    );
  }

  #beginLocalRoot(
    name: string,
    kind: Kind,
    remote: SpanContext | undefined,
    idHigh: number,
    idLow: number,
    startMs: number,
  ): Span {
    const runtime = this.#runtime;
    const ids = runtime.ids;
    const anchorMs = this.clock.anchorMs(startMs);
    let trace: LocalTrace;
    let parentHigh = 0;
    let parentLow = 0;
    if (remote === undefined) {
      // The second of creation leads, so that ids of a time lie together in the database's index; the rest is random.
      const second = ((anchorMs + startMs) / 1000) | 0;
      trace = new LocalTrace(runtime.pipeline, second, ids.word(), ids.word(), ids.word(), true, anchorMs);
    } else {
      const id = remote.traceId;
      [parentHigh, parentLow] = spanIdWords(remote.spanId);
      trace = new LocalTrace(
        runtime.pipeline,
        hexToWord(id, 0),
        hexToWord(id, 8),
        hexToWord(id, 16),
        hexToWord(id, 24),
        (remote.traceFlags & 2) !== 0,
        anchorMs,
      );
    }
    runtime.sampler.begin(trace, remote, name, kind);
    const span = new Span(trace, this, name, kind, idHigh, idLow, parentHigh, parentLow, startMs);
    trace.root = span;
    trace.openSpans = 1;
    if (trace.decision !== Decision.dropped) trace.pipeline.onStart(span);
    return span;
  }

  /** A span that records nothing and lets its parent's ids through. */
  #silent(name: string, kind: Kind, parent: ApiSpan | undefined): Span {
    const context = parent?.spanContext();
    const trace = droppedTrace(this.#runtime, context !== undefined && isValid(context) ? context : undefined);
    const [high, low] =
      context !== undefined && isValid(context)
        ? spanIdWords(context.spanId)
        : [this.#runtime.ids.word(), this.#runtime.ids.word() || 1];
    return new Span(trace, this, name, kind, high, low, 0, 0, 0);
  }
}

// Shape only: the propagator has checked the digits of what came from outside.
function isValid(context: SpanContext): boolean {
  return (
    context.traceId.length === 32 &&
    context.spanId.length === 16 &&
    context.traceId !== ZERO_TRACE &&
    context.spanId !== ZERO_SPAN
  );
}

const ZERO_TRACE = '0'.repeat(32);
const ZERO_SPAN = '0'.repeat(16);

function parentAnchor(parent: ApiSpan | undefined): number | undefined {
  return parent instanceof Span ? parent.trace.anchorMs : undefined;
}
