import { Kind, type LocalTrace, type Origin, type Scope, type Span, type Status } from '@forge/core';
import { Forgotten } from './forgotten.ts';
import { jsonOf, type HeldSpan, type SpanRest } from './held-span.ts';
import { SpanShapes, type SpanShape } from './span-shape.ts';
import { CHUNK_BYTES, TraceIndex, TraceState } from './trace-index.ts';
import type { Operation } from './traffic.ts';

/**
 * Finished spans of undecided traces, as bytes in segments that are filled one after the other and dropped in the same
 * order. Each span points at the trace's span before it:
 *
 *     segments   | a1 b1 a2 c1 | b2 a3 c2 . . |        index: a -> a3 -> a2 -> a1
 *                  dropped next  being filled
 *
 * When a segment is dropped, by age or for want of room, every trace with a span in it is dropped whole: its newer spans
 * are forgotten too, and its id is remembered for a while, so that a keep that comes too late is known as such.
 */
export interface SpanRingOptions {
  /** Most memory of all: segments, index and the ids of the dropped. */
  readonly maxBytes: number;
  /** How long a span is held at least, while there is room. */
  readonly maxAgeMs: number;
  /** Called with a parked trace's spans before they are dropped. */
  readonly onParkedOut: (traceId: string, spans: HeldSpan[]) => void;
}

/** A local trace's place in the index. */
export interface Place {
  entry: number;
  serial: number;
}

const SEGMENT_BYTES = 256 * 1024;
/** A segment takes spans for this share of the age, so that dropping by age is not later than 1.25 times the age. */
const SEGMENT_AGE_SHARE = 0.25;

// Words of a span's header, then its attribute values as bytes.
const LENGTH = 0;
const ENTRY = 1;
const SERIAL = 2;
const OLDER_SEGMENT = 3;
const OLDER_OFFSET = 4;
const ID = 5;
const PARENT = 7;
const SHAPE = 9;
const BITS = 10;
const DURATION = 11;
const START_FLOAT = 6; // words 12 and 13 as a double
const HEADER_WORDS = 14;

const HAS_REST = 4;
const RANDOM = 8;
const LONG = 16;

// Kinds of attribute values.
const FALSE = 0;
const TRUE = 1;
const INT = 2;
const DOUBLE = 3;
const ASCII = 4;
const UTF8 = 5;
const IN_REST = 6;
const SHORT_STRING = 48;

interface Segment {
  readonly serial: number;
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  readonly bytes: Buffer;
  /** Words in use. */
  used: number;
  readonly bornMs: number;
  lastWriteMs: number;
}

export class SpanRing {
  readonly #options: SpanRingOptions;
  readonly #index: TraceIndex;
  readonly #shapes = new SpanShapes();
  readonly #forgotten: Forgotten;
  #segments: Segment[] = [];
  #firstSerial = 0;
  #segmentBytes = 0;
  #spare: ArrayBuffer | undefined = undefined;
  #nowMs = 0;
  /** Spans written, and traces dropped by age and for want of room. */
  writtenSpans = 0;
  expiredTraces = 0;
  evictedTraces = 0;
  /** Spans that were larger than the whole ring. */
  refusedSpans = 0;

  constructor(options: SpanRingOptions) {
    this.#options = options;
    const buckets = 2 ** Math.max(8, Math.min(20, Math.floor(Math.log2(options.maxBytes / 256))));
    this.#index = new TraceIndex(buckets);
    this.#forgotten = new Forgotten(options.maxBytes / 8);
  }

  /** Memory in use, never above `maxBytes` (which is taken as 1 MiB where it is less). */
  get bytes(): number {
    return this.#segmentBytes + this.#index.bytes + this.#forgotten.bytes;
  }

  /** Traces known: held, kept, parked. */
  get traces(): number {
    return this.#index.size;
  }

  get forgetHorizonMs(): number {
    return this.#forgotten.horizonMs;
  }

  /**
   * Takes an ended span, unless its trace is known to be kept: then it returns false, and the span belongs to the sink.
   * `place` is the local trace's own, filled at its first span.
   */
  write(span: Span, operation: Operation, place: Place): boolean {
    const index = this.#index;
    const { trace } = span;
    let entry = place.entry;
    if (entry < 0 || !index.isLive(entry, place.serial)) entry = this.#enter(trace, place);
    if (index.state(entry) === TraceState.kept) return false;
    const shape = this.#shapes.of(operation, span);
    const rest = shape === undefined ? restOf(span, undefined, true) : extraOf(span);
    const segment = this.#roomFor(mostBytes(span, shape, rest));
    if (segment === undefined) {
      this.refusedSpans++;
      this.#forgotten.add(trace.w1, trace.w2, trace.w3, this.#nowMs);
      return true;
    }
    // Making room may have dropped this very trace.
    if (!index.isLive(entry, place.serial)) entry = this.#enter(trace, place);
    const at = segment.used;
    segment.used = this.#encode(segment, at, span, shape, rest, entry);
    segment.lastWriteMs = this.#nowMs;
    index.setNewest(entry, segment.serial, at);
    this.writtenSpans++;
    return true;
  }

  /** The state of a trace by its place; `held` where it has none. */
  stateOf(place: Place): TraceState {
    return place.entry >= 0 && this.#index.isLive(place.entry, place.serial)
      ? this.#index.state(place.entry)
      : TraceState.held;
  }

  isKept(w0: number, w1: number, w2: number, w3: number): boolean {
    const entry = this.#index.find(w0, w1, w2, w3);
    return entry >= 0 && this.#index.state(entry) === TraceState.kept;
  }

  /**
   * Marks a trace as kept and hands over what is held of it, oldest first.
   * @returns `lost`: spans of it were here and are gone; `pin`: what `unpin` wants later, undefined if it was kept already
   */
  keep(
    w0: number,
    w1: number,
    w2: number,
    w3: number,
    take: (span: HeldSpan) => void,
  ): { lost: boolean; pin: Place | undefined } {
    const index = this.#index;
    let entry = index.find(w0, w1, w2, w3);
    if (entry >= 0 && index.state(entry) === TraceState.kept) return { lost: false, pin: undefined };
    if (entry < 0) entry = this.#add(w0, w1, w2, w3);
    const spans = this.#chain(entry);
    if (index.state(entry) === TraceState.parked) {
      // A new entry, so that the end of its parking does not end its keeping.
      index.remove(entry);
      entry = this.#add(w0, w1, w2, w3);
    }
    index.setNewest(entry, -1, -1);
    index.setState(entry, TraceState.kept);
    for (let i = spans.length - 1; i >= 0; i--) take(spans[i]);
    return { lost: this.#forgotten.has(w1, w2, w3), pin: { entry, serial: index.serial(entry) } };
  }

  /** Marks a trace as parked, unless it is kept. @returns its place for `unpin`, undefined if nothing changed */
  park(w0: number, w1: number, w2: number, w3: number): Place | undefined {
    const index = this.#index;
    let entry = index.find(w0, w1, w2, w3);
    if (entry < 0) entry = this.#add(w0, w1, w2, w3);
    if (index.state(entry) !== TraceState.held) return undefined;
    index.setState(entry, TraceState.parked);
    return { entry, serial: index.serial(entry) };
  }

  /** Forgets that a trace was kept or parked. What is still held of a parked one goes out first. */
  unpin({ entry, serial }: Place): void {
    if (!this.#index.isLive(entry, serial)) return;
    if (this.#index.state(entry) === TraceState.parked) this.#parkOut(entry);
    this.#index.remove(entry);
  }

  /**
   * Time passes: drops what is older than the age.
   * @param expireBeforeMs nothing that was written after it is dropped by age
   */
  tick(nowMs: number, expireBeforeMs: number): void {
    this.#nowMs = nowMs;
    while (this.#segments.length > 0 && this.#segments[0].lastWriteMs <= expireBeforeMs)
      this.expiredTraces += this.#dropSegment();
    this.#spare = undefined;
    this.#forgotten.tick(nowMs);
  }

  /** Hands out what is held of parked traces: before the process ends. */
  parkAll(): void {
    for (const entry of this.#index.entries()) if (this.#index.state(entry) === TraceState.parked) this.#parkOut(entry);
  }

  #enter(trace: LocalTrace, place: Place): number {
    const { w0, w1, w2, w3 } = trace;
    let entry = this.#index.find(w0, w1, w2, w3);
    if (entry < 0) entry = this.#add(w0, w1, w2, w3);
    place.entry = entry;
    place.serial = this.#index.serial(entry);
    return entry;
  }

  #add(w0: number, w1: number, w2: number, w3: number): number {
    const index = this.#index;
    while (index.full && this.bytes + CHUNK_BYTES > this.#options.maxBytes && this.#segments.length > 0)
      this.evictedTraces += this.#dropSegment();
    return index.add(w0, w1, w2, w3);
  }

  /** The segment to write to, with room for the span; undefined where it is larger than the ring. */
  #roomFor(need: number): Segment | undefined {
    const current = this.#segments.at(-1);
    if (
      current !== undefined &&
      (current.words.length - current.used) * 4 >= need &&
      this.#nowMs - current.bornMs < this.#options.maxAgeMs * SEGMENT_AGE_SHARE
    )
      return current;
    return this.#newSegment(need);
  }

  #newSegment(need: number): Segment | undefined {
    const size = Math.max(SEGMENT_BYTES, Math.ceil(need / 8) * 8);
    // One of the remembering filters may come while a segment is dropped: its place is kept free.
    const room = this.#options.maxBytes - 128 * 1024;
    while (this.bytes + size > room && this.#segments.length > 0) this.evictedTraces += this.#dropSegment();
    if (this.bytes + size > room && size > SEGMENT_BYTES) return undefined;
    const buffer = size === SEGMENT_BYTES && this.#spare !== undefined ? this.#spare : new ArrayBuffer(size);
    this.#spare = undefined;
    const segment: Segment = {
      serial: this.#firstSerial + this.#segments.length,
      words: new Int32Array(buffer),
      doubles: new Float64Array(buffer),
      bytes: Buffer.from(buffer),
      used: 0,
      bornMs: this.#nowMs,
      lastWriteMs: this.#nowMs,
    };
    this.#segments.push(segment);
    this.#segmentBytes += size;
    return segment;
  }

  /** Drops the oldest segment, and every trace whole that has a span in it. @returns how many */
  #dropSegment(): number {
    const segment = this.#segments[0];
    const index = this.#index;
    const { words } = segment;
    let dropped = 0;
    for (let at = 0; at < segment.used; at += words[at + LENGTH]) {
      const entry = words[at + ENTRY];
      if (!index.isLive(entry, words[at + SERIAL])) continue;
      const state = index.state(entry);
      if (state === TraceState.held) {
        this.#forgotten.add(index.id(entry, 1), index.id(entry, 2), index.id(entry, 3), this.#nowMs);
        index.remove(entry);
        dropped++;
      } else if (state === TraceState.parked) this.#parkOut(entry);
    }
    this.#segments.shift();
    this.#firstSerial++;
    this.#segmentBytes -= words.byteLength;
    if (words.byteLength === SEGMENT_BYTES) this.#spare = words.buffer as ArrayBuffer;
    return dropped;
  }

  #parkOut(entry: number): void {
    const spans = this.#chain(entry);
    this.#index.setNewest(entry, -1, -1);
    if (spans.length > 0) this.#options.onParkedOut(spans[0].traceId, spans.reverse());
  }

  /** The spans of an entry, newest first. */
  #chain(entry: number): HeldSpan[] {
    const spans: HeldSpan[] = [];
    let segmentSerial = this.#index.newestSegment(entry);
    let at = this.#index.newestOffset(entry);
    if (segmentSerial < 0) return spans;
    const traceId =
      hex(this.#index.id(entry, 0)) +
      hex(this.#index.id(entry, 1)) +
      hex(this.#index.id(entry, 2)) +
      hex(this.#index.id(entry, 3));
    while (segmentSerial >= this.#firstSerial) {
      const { words, doubles, bytes } = this.#segments[segmentSerial - this.#firstSerial];
      spans.push(this.#decode(words, doubles, bytes, at, traceId));
      segmentSerial = words[at + OLDER_SEGMENT]!;
      at = words[at + OLDER_OFFSET]!;
    }
    return spans;
  }

  /** Writes a span at word `at` of a segment with room for it. @returns the word behind it */
  #encode(
    segment: Segment,
    at: number,
    span: Span,
    shape: SpanShape | undefined,
    rest: string | undefined,
    entry: number,
  ): number {
    const { words, bytes } = segment;
    const index = this.#index;
    words[at + ENTRY] = entry;
    words[at + SERIAL] = index.serial(entry);
    words[at + OLDER_SEGMENT] = index.newestSegment(entry);
    words[at + OLDER_OFFSET] = index.newestOffset(entry);
    words[at + ID] = span.idHigh;
    words[at + ID + 1] = span.idLow;
    words[at + PARENT] = span.parentHigh;
    words[at + PARENT + 1] = span.parentLow;
    words[at + SHAPE] = shape === undefined ? -1 : shape.id;
    const durationUs = span.durationUs;
    const long = durationUs > 0x7fffffff;
    words[at + DURATION] = long ? 0x7fffffff : durationUs;
    segment.doubles[(at >> 1) + START_FLOAT] = span.startUnixUs;
    let p = (at + HEADER_WORDS) * 4;
    let bits: number = span.status;
    if (span.trace.random) bits |= RANDOM;
    if (long) {
      bits |= LONG;
      p = bytes.writeDoubleLE(durationUs, p);
    }
    if (shape !== undefined) {
      const list = span.attributes;
      for (let i = 1; i < list.length; i += 2) {
        const value = list[i];
        if (typeof value === 'string') {
          const length = value.length;
          if (length <= SHORT_STRING) {
            const start = p + 2;
            let end = start;
            for (let j = 0; j < length; j++) {
              const code = value.charCodeAt(j);
              if (code > 127) break;
              bytes[end++] = code;
            }
            if (end - start === length) {
              bytes[p] = ASCII;
              bytes[p + 1] = length;
              p = end;
              continue;
            }
          }
          bytes[p] = UTF8;
          const written = bytes.write(value, p + 5, 'utf8');
          bytes.writeUInt32LE(written, p + 1);
          p += 5 + written;
        } else if (typeof value === 'number') {
          if ((value | 0) === value && !Object.is(value, -0)) {
            bytes[p] = INT;
            bytes[p + 1] = value;
            bytes[p + 2] = value >> 8;
            bytes[p + 3] = value >> 16;
            bytes[p + 4] = value >> 24;
            p += 5;
          } else {
            bytes[p] = DOUBLE;
            bytes.writeDoubleLE(value, p + 1);
            p += 9;
          }
        } else if (typeof value === 'boolean') bytes[p++] = value ? TRUE : FALSE;
        else bytes[p++] = IN_REST;
      }
    }
    if (rest !== undefined) {
      bits |= HAS_REST;
      const written = bytes.write(rest, p + 4, 'utf8');
      bytes.writeUInt32LE(written, p);
      p += 4 + written;
    }
    words[at + BITS] = bits;
    // Even, so that the next one's double is aligned.
    const end = ((p + 7) >> 3) << 1;
    words[at + LENGTH] = end - at;
    return end;
  }

  #decode(words: Int32Array, doubles: Float64Array, bytes: Buffer, at: number, traceId: string): HeldSpan {
    const bits = words[at + BITS];
    let p = (at + HEADER_WORDS) * 4;
    let durationUs = words[at + DURATION];
    if ((bits & LONG) !== 0) {
      durationUs = bytes.readDoubleLE(p);
      p += 8;
    }
    const shapeId = words[at + SHAPE];
    const shape = shapeId < 0 ? undefined : this.#shapes.get(shapeId);
    const attributes: unknown[] = [];
    const inRest: number[] = [];
    for (const key of shape?.keys ?? []) {
      const kind = bytes[p++];
      let value: unknown;
      if (kind === ASCII) {
        const length = bytes[p++];
        value = bytes.toString('latin1', p, p + length);
        p += length;
      } else if (kind === UTF8) {
        const length = bytes.readUInt32LE(p);
        p += 4;
        value = bytes.toString('utf8', p, p + length);
        p += length;
      } else if (kind === INT) {
        value = bytes.readInt32LE(p);
        p += 4;
      } else if (kind === DOUBLE) {
        value = bytes.readDoubleLE(p);
        p += 8;
      } else if (kind === IN_REST) inRest.push(attributes.length + 1);
      else value = kind === TRUE;
      attributes.push(key, value);
    }
    const rest: SpanRest =
      (bits & HAS_REST) === 0
        ? {}
        : (JSON.parse(bytes.toString('utf8', p + 4, p + 4 + bytes.readUInt32LE(p))) as SpanRest);
    inRest.forEach((position, i) => (attributes[position] = rest.values?.[i]));
    const { whole } = rest;
    const [droppedAttributes, droppedEvents, droppedLinks] = rest.dropped ?? [0, 0, 0];
    const parentHigh = words[at + PARENT];
    const parentLow = words[at + PARENT + 1];
    return {
      traceId,
      spanId: hex(words[at + ID]) + hex(words[at + ID + 1]),
      parentSpanId: (parentHigh | parentLow) === 0 ? undefined : hex(parentHigh) + hex(parentLow),
      name: shape?.name ?? whole?.name ?? '',
      resource: shape?.resource ?? whole?.resource ?? '',
      kind: shape?.kind ?? whole?.kind ?? Kind.internal,
      startUnixUs: doubles[(at >> 1) + START_FLOAT],
      durationUs,
      status: (bits & 3) as Status,
      statusMessage: rest.statusMessage,
      attributes: shape === undefined ? (whole?.attributes ?? []) : attributes,
      events: rest.events ?? [],
      links: rest.links?.map((link) => ({ ...link, traceState: link.traceState })) ?? [],
      origin: shape?.origin ?? originOf(whole?.origin),
      scope: shape?.scope ?? scopeOf(whole?.scope),
      traceState: rest.traceState,
      // Whoever takes it out does so for a trigger.
      flags: (bits & RANDOM) === 0 ? 1 : 3,
      weight: 1,
      droppedAttributes,
      droppedEvents,
      droppedLinks,
    };
  }
}

/** The most bytes that a span can take. */
function mostBytes(span: Span, shape: SpanShape | undefined, rest: string | undefined): number {
  let bytes = HEADER_WORDS * 4 + 16;
  if (rest !== undefined) bytes += 4 + rest.length * 3;
  if (shape === undefined) return bytes;
  const list = span.attributes;
  for (let i = 1; i < list.length; i += 2) {
    const value = list[i];
    bytes += typeof value === 'string' ? 5 + value.length * 3 : 9;
  }
  return bytes;
}

/** What a span with a shape has beyond it; undefined for nearly all. */
function extraOf(span: Span): string | undefined {
  const list = span.attributes;
  let values: unknown[] | undefined;
  for (let i = 1; i < list.length; i += 2) {
    const value = list[i];
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean')
      (values ??= []).push(value);
  }
  if (
    values === undefined &&
    span.statusMessage === undefined &&
    span.droppedAttributes === 0 &&
    span.trace.otherState === undefined &&
    span.trace.otState === undefined &&
    span.events.length === 0 &&
    span.links.length === 0
  )
    return undefined;
  return restOf(span, values, false);
}

function restOf(span: Span, values: readonly unknown[] | undefined, whole: boolean): string {
  return jsonOf(restParts(span, values, whole));
}

function restParts(span: Span, values: readonly unknown[] | undefined, whole: boolean): SpanRest {
  const { events, links, statusMessage, traceState } = span;
  const dropped = span.droppedAttributes + span.droppedEvents + span.droppedLinks > 0;
  return {
    ...(values === undefined ? {} : { values }),
    ...(events.length === 0 ? {} : { events }),
    ...(links.length === 0 ? {} : { links }),
    ...(statusMessage === undefined ? {} : { statusMessage }),
    ...(traceState === undefined ? {} : { traceState }),
    ...(dropped ? { dropped: [span.droppedAttributes, span.droppedEvents, span.droppedLinks] as const } : {}),
    ...(whole
      ? {
          whole: {
            name: span.name,
            resource: span.resource,
            kind: span.kind,
            origin: span.origin,
            scope: span.scope,
            attributes: span.attributes,
          },
        }
      : {}),
  };
}

function originOf(origin: Origin | undefined): Origin {
  return { serviceName: origin?.serviceName ?? '', nodeId: origin?.nodeId, attributes: origin?.attributes ?? [] };
}

function scopeOf(scope: Scope | undefined): Scope {
  return { name: scope?.name ?? '', version: scope?.version, attributes: scope?.attributes ?? [] };
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0');
}
