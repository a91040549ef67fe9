import {
  createTraceState,
  type Attributes,
  type AttributeValue as ApiAttributeValue,
  type Exception,
  type Link,
  type Span as ApiSpan,
  type SpanContext,
  type SpanStatus,
  type TimeInput,
} from '@opentelemetry/api';
import { isAttributeValue, type AttributeList } from './attributes.ts';
import { describeException } from './exception.ts';
import { hexToWord, wordToHex } from './hex.ts';
import { cut } from './limits.ts';
import { Decision, type LocalTrace } from './local-trace.ts';
import {
  Status,
  type Kind,
  type Origin,
  type Scope,
  type SpanData,
  type SpanEvent,
  type SpanLink,
} from './span-data.ts';
import { monotonicMs } from './time-input.ts';
import type { Tracer } from './tracer.ts';

const NONE: readonly never[] = [];
const NOT_ENDED = -1.5;
const MAX_NAME_LENGTH = 255;

/**
 * The one span class: OpenTelemetry's `Span` to the application, `SpanData` to exporters once it has ended.
 *
 * Every field is set in the constructor in one order, so all spans share one hidden class; ids are words and times
 * are monotonic milliseconds until somebody asks for hex and Unix time.
 */
export class Span implements ApiSpan, SpanData {
  readonly trace: LocalTrace;
  readonly tracer: Tracer;
  name: string;
  kind: Kind;
  readonly idHigh: number;
  readonly idLow: number;
  readonly parentHigh: number;
  readonly parentLow: number;
  readonly #startMs: number;
  #endMs: number;
  #resource: string | undefined;
  status: Status;
  statusMessage: string | undefined;
  readonly #attributes: unknown[];
  #events: SpanEvent[] | undefined;
  #links: SpanLink[] | undefined;
  droppedAttributes: number;
  droppedEvents: number;
  droppedLinks: number;
  #context: SpanContext | undefined;

  /** Made by `Tracer.start` alone. */
  constructor(
    trace: LocalTrace,
    tracer: Tracer,
    name: string,
    kind: Kind,
    idHigh: number,
    idLow: number,
    parentHigh: number,
    parentLow: number,
    startMs: number,
  ) {
    this.trace = trace;
    this.tracer = tracer;
    this.name = name;
    this.kind = kind;
    this.idHigh = idHigh;
    this.idLow = idLow;
    this.parentHigh = parentHigh;
    this.parentLow = parentLow;
    this.#startMs = startMs;
    this.#endMs = NOT_ENDED;
    this.#resource = undefined;
    this.status = Status.unset;
    this.statusMessage = undefined;
    this.#attributes = [];
    this.#events = undefined;
    this.#links = undefined;
    this.droppedAttributes = 0;
    this.droppedEvents = 0;
    this.droppedLinks = 0;
    this.#context = undefined;
  }

  // --- while it runs ---

  /** Whether it still takes attributes and events: false after `end`, and in a dropped trace. */
  isRecording(): boolean {
    return this.#endMs === NOT_ENDED && this.trace.decision !== Decision.dropped;
  }

  /**
   * Adds or replaces a tag without checking it: for instrumentations, whose keys and types are fixed, and which keep
   * secrets out by themselves (`tracer.redactor.text`). `undefined` is left out. Strings are cut to the limit.
   */
  set(key: string, value: string | number | boolean | undefined): this {
    if (value === undefined || !this.isRecording()) return this;
    const { limits, redactor } = this.tracer;
    const short =
      typeof value === 'string' && value.length > limits.maxValueLength ? cut(value, limits.maxValueLength) : value;
    const kept = redactor.asksForAll ? redactor.value(key, short) : short;
    if (kept !== undefined) this.#put(key, kept, limits.maxAttributes);
    return this;
  }

  setAttribute(key: string, value: ApiAttributeValue): this {
    if (!this.isRecording() || typeof key !== 'string' || key.length === 0 || !isAttributeValue(value)) return this;
    const { limits, redactor } = this.tracer;
    const kept = redactor.value(key, cutValue(value, limits.maxValueLength));
    if (kept !== undefined) this.#put(key, kept, limits.maxAttributes);
    return this;
  }

  setAttributes(attributes: Attributes): this {
    for (const key in attributes) {
      const value = attributes[key];
      if (value !== undefined) this.setAttribute(key, value);
    }
    return this;
  }

  /** Names what the operation works on: `POST /api/orders`. Cut to 255 characters. */
  setResource(resource: string): this {
    if (this.isRecording()) this.#resource = cut(resource, MAX_NAME_LENGTH);
    return this;
  }

  addEvent(name: string, attributesOrTime?: Attributes | TimeInput, time?: TimeInput): this {
    if (!this.isRecording()) return this;
    const hasAttributes =
      typeof attributesOrTime === 'object' && !Array.isArray(attributesOrTime) && !(attributesOrTime instanceof Date);
    const at = hasAttributes ? time : attributesOrTime;
    const list: unknown[] = [];
    const dropped = hasAttributes ? this.#collect(list, attributesOrTime) : 0;
    this.#pushEvent(
      String(name),
      this.#unixUs(
        at === undefined ? this.tracer.clock.nowMs() : monotonicMs(at, this.trace.anchorMs, this.tracer.clock),
      ),
      list,
      dropped,
    );
    return this;
  }

  addLink(link: Link): this {
    if (!this.isRecording()) return this;
    const links = (this.#links ??= []);
    if (links.length >= this.tracer.limits.maxLinks) {
      this.droppedLinks++;
      return this;
    }
    const list: unknown[] = [];
    const dropped = link.attributes === undefined ? 0 : this.#collect(list, link.attributes);
    const { traceId, spanId, traceFlags, traceState } = link.context;
    links.push({
      traceId,
      spanId,
      flags: traceFlags,
      traceState: traceState?.serialize() || undefined,
      attributes: list,
      droppedAttributes: dropped + (link.droppedAttributesCount ?? 0),
    });
    return this;
  }

  addLinks(links: Link[]): this {
    for (const link of links) this.addLink(link);
    return this;
  }

  /** As OpenTelemetry has it: `ok` is final, `unset` changes nothing. */
  setStatus(status: SpanStatus): this {
    if (!this.isRecording() || this.status === Status.ok || status.code === Status.unset) return this;
    this.status = status.code as Status;
    this.statusMessage =
      status.code === Status.error && typeof status.message === 'string'
        ? this.tracer.redactor.text(cut(status.message, this.tracer.limits.maxValueLength))
        : undefined;
    return this;
  }

  updateName(name: string): this {
    if (this.isRecording()) this.name = cut(String(name), MAX_NAME_LENGTH);
    return this;
  }

  /** Adds an `exception` event: `exception.type`, `.message`, `.stacktrace`, `.code` where the error has one. Anything may be passed. */
  recordException(exception: Exception, time?: TimeInput): void {
    if (!this.isRecording()) return;
    const at =
      time === undefined ? this.tracer.clock.nowMs() : monotonicMs(time, this.trace.anchorMs, this.tracer.clock);
    this.#pushEvent('exception', this.#unixUs(at), describeException(exception, this.tracer), 0);
  }

  /** Marks the span as failed with `error`: the exception as an event, status error with its message. */
  fail(error: unknown): this {
    if (!this.isRecording()) return this;
    const list = describeException(error, this.tracer);
    this.#pushEvent('exception', this.#unixUs(this.tracer.clock.nowMs()), list, 0);
    const message = list.indexOf('exception.message');
    return this.setStatus({ code: Status.error, ...(message < 0 ? {} : { message: list[message + 1] as string }) });
  }

  /** Ends the span; a second call does nothing. It never ends before it started. */
  end(endTime?: TimeInput): void {
    if (this.#endMs !== NOT_ENDED) return;
    const endMs =
      endTime === undefined ? this.tracer.clock.nowMs() : monotonicMs(endTime, this.trace.anchorMs, this.tracer.clock);
    this.#endMs = endMs > this.#startMs ? endMs : this.#startMs;
    this.trace.openSpans--;
    if (this.trace.decision !== Decision.dropped) this.trace.pipeline.onEnd(this);
  }

  // --- what it is ---

  get ended(): boolean {
    return this.#endMs !== NOT_ENDED;
  }

  spanContext(): SpanContext {
    const context = this.#context;
    // The flags and the state may change with a late decision; ids never do.
    if (context !== undefined && context.traceFlags === this.trace.flags) return context;
    const state = this.traceState;
    return (this.#context = {
      traceId: this.trace.id,
      spanId: this.spanId,
      traceFlags: this.trace.flags,
      ...(state === undefined ? {} : { traceState: createTraceState(state) }),
    });
  }

  get traceId(): string {
    return this.trace.id;
  }

  get spanId(): string {
    return wordToHex(this.idHigh) + wordToHex(this.idLow);
  }

  get parentSpanId(): string | undefined {
    return (this.parentHigh | this.parentLow) === 0
      ? undefined
      : wordToHex(this.parentHigh) + wordToHex(this.parentLow);
  }

  /** Whether its parent is not in this process, or does not exist. */
  get isLocalRoot(): boolean {
    return this.trace.root === this;
  }

  get resource(): string {
    return this.#resource ?? this.name;
  }

  get startUnixUs(): number {
    return this.#unixUs(this.#startMs);
  }

  /** 0 until it has ended. */
  get durationUs(): number {
    return this.#endMs === NOT_ENDED ? 0 : this.#unixUs(this.#endMs) - this.#unixUs(this.#startMs);
  }

  /** Milliseconds since the start, now or at the end. */
  get elapsedMs(): number {
    return (this.#endMs === NOT_ENDED ? this.tracer.clock.nowMs() : this.#endMs) - this.#startMs;
  }

  get attributes(): AttributeList {
    return this.#attributes;
  }

  get events(): readonly SpanEvent[] {
    return this.#events ?? NONE;
  }

  get links(): readonly SpanLink[] {
    return this.#links ?? NONE;
  }

  get origin(): Origin {
    return this.tracer.origin;
  }

  get scope(): Scope {
    return this.tracer.scope;
  }

  get traceState(): string | undefined {
    return this.trace.traceState;
  }

  get flags(): number {
    return this.trace.flags;
  }

  get weight(): number {
    return this.trace.weight;
  }

  /** Whole Unix microseconds of a monotonic time. Rounding is monotone, so a child within its parent stays within. */
  #unixUs(ms: number): number {
    return Math.round((this.trace.anchorMs + ms) * 1000);
  }

  #put(key: string, value: unknown, maxAttributes: number): void {
    const list = this.#attributes;
    for (let i = 0; i < list.length; i += 2) {
      if (list[i] === key) {
        list[i + 1] = value;
        return;
      }
    }
    if (list.length >= maxAttributes * 2) this.droppedAttributes++;
    else list.push(key, value);
  }

  /** Fills `list` with the valid attributes; returns how many were dropped over the limit. */
  #collect(list: unknown[], attributes: Attributes): number {
    const { limits, redactor } = this.tracer;
    let dropped = 0;
    for (const key in attributes) {
      const value = attributes[key];
      if (key.length === 0 || !isAttributeValue(value)) continue;
      const kept = redactor.value(key, cutValue(value, limits.maxValueLength));
      if (kept === undefined) continue;
      if (list.length >= limits.maxAttributes * 2) dropped++;
      else list.push(key, kept);
    }
    return dropped;
  }

  #pushEvent(name: string, unixUs: number, attributes: unknown[], droppedAttributes: number): void {
    const events = (this.#events ??= []);
    if (events.length >= this.tracer.limits.maxEvents) this.droppedEvents++;
    else events.push({ name, unixUs, attributes, droppedAttributes });
  }
}

/** Words of 16 hex digits, for a remote parent. */
export function spanIdWords(spanId: string): [high: number, low: number] {
  return [hexToWord(spanId, 0), hexToWord(spanId, 8)];
}

function cutValue(value: unknown, maxLength: number): unknown {
  if (typeof value === 'string') return cut(value, maxLength);
  if (Array.isArray(value))
    return value.map((item: unknown) => (typeof item === 'string' ? cut(item, maxLength) : item));
  return value;
}
