import { Kind, type Origin, type Scope, type Span, type Status } from '@forge/core';
import { Forgotten } from './forgotten.ts';
import { jsonOf, type HeldSpan, type SpanRest } from './held-span.ts';
import { SpanShapes, type SpanShape } from './span-shape.ts';
import type { Operation } from './traffic.ts';

/**
 * Finished spans of undecided traces, as bytes in segments that are filled one after the other and dropped in the same
 * order. Nothing is indexed while spans are written: a span costs its bytes and two bits in its segment's filter. Only
 * when a trace is kept, which is rare, the segments whose filter knows its id are read through.
 *
 *     | a1 b1 a2 c1 | b2 a3 c2 . . |     keep(a): both filters know a: a1 a2 a3
 *       dropped next  being filled
 *
 * The id of every dropped span is remembered for a while, so that a trace that is kept after it lost a span is known as
 * such. One index of all traces by id would cost more than the rest of the span: it misses the processor's caches.
 */
export interface SpanRingOptions {
  /** Most memory of segments and of the ids of the dropped. */
  readonly maxBytes: number;
  /** How long a span is held at least, while there is room. */
  readonly maxAgeMs: number;
  /** 256 KiB by default: about 2,000 spans. */
  readonly segmentBytes?: number;
}

/** The words of a trace id. */
export interface TraceWords {
  readonly w0: number;
  readonly w1: number;
  readonly w2: number;
  readonly w3: number;
}

/** Says what becomes of a trace whose spans are dropped: true to get them, as `onDropped`. */
export interface DropListener {
  wants(w0: number, w1: number, w2: number, w3: number): boolean;
  onDropped(traceId: string, spans: HeldSpan[]): void;
}

const DEFAULT_SEGMENT_BYTES = 256 * 1024;
const FILTER_BITS = 32 * 1024;
const FILTER_BYTES = FILTER_BITS / 8;
/** A segment takes spans for this share of the age, so that dropping by age is not later than 1.25 times the age. */
const SEGMENT_AGE_SHARE = 0.25;
/** ... but one with less than this share in use goes on: a quiet process is not to hold many empty segments. */
const SEGMENT_USED_SHARE = 1 / 16;

// Words of a span's header, then its attribute values as bytes.
const LENGTH = 0;
const TRACE = 1;
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
  /** Two bits for each trace id in it. */
  readonly filter: Int32Array;
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
  readonly #drops: DropListener;
  readonly #normalBytes: number;
  readonly #shapes = new SpanShapes();
  readonly #forgotten: Forgotten;
  #segments: Segment[] = [];
  #current: Segment | undefined = undefined;
  #segmentBytes = 0;
  #spare: ArrayBuffer | undefined = undefined;
  #nowMs = 0;
  /** Spans written, and dropped by age and for want of room. */
  writtenSpans = 0;
  expiredSpans = 0;
  evictedSpans = 0;
  /** Spans that were larger than the whole ring. */
  refusedSpans = 0;

  constructor(options: SpanRingOptions, drops: DropListener) {
    this.#options = options;
    this.#drops = drops;
    this.#normalBytes = options.segmentBytes ?? DEFAULT_SEGMENT_BYTES;
    this.#forgotten = new Forgotten(options.maxBytes / 8);
  }

  /** Memory in use, never above `maxBytes`. */
  get bytes(): number {
    return this.#segmentBytes + this.#forgotten.bytes;
  }

  /** Times that the memory of dropped traces was cut short for want of room. */
  get shortenedMemories(): number {
    return this.#forgotten.shortened;
  }

  get forgetHorizonMs(): number {
    return this.#forgotten.horizonMs;
  }

  /** Takes an ended span. */
  write(span: Span, operation: Operation): void {
    const shape = this.#shapes.of(operation, span);
    const rest = shape === undefined ? restOf(span, undefined, true) : extraOf(span);
    const need = mostBytes(span, shape, rest);
    let segment = this.#current;
    if (segment === undefined || (segment.words.length - segment.used) * 4 < need) {
      segment = this.#newSegment(need);
      if (segment === undefined) {
        const { w1, w2, w3 } = span.trace;
        this.refusedSpans++;
        this.#forgotten.add(w1, w2, w3, this.#nowMs);
        return;
      }
    }
    const at = segment.used;
    segment.used = this.#encode(segment, at, span, shape, rest);
    segment.lastWriteMs = this.#nowMs;
    this.writtenSpans++;
  }

  /** Hands over all that is held of these traces, which are not to be asked for again: each span once, oldest first. */
  take(traces: readonly TraceWords[], give: (span: HeldSpan) => void): void {
    for (const { filter, words, doubles, bytes, used } of this.#segments) {
      const here = traces.filter(({ w2, w3 }) => inFilter(filter, w2, w3));
      if (here.length === 0) continue;
      const byLastWord = new Map(here.map((trace) => [trace.w3, trace]));
      for (let at = 0; at < used; at += words[at + LENGTH]) {
        let trace = byLastWord.get(words[at + TRACE + 3]);
        if (trace === undefined) continue;
        if (!isOf(words, at, trace)) {
          trace = here.find((other) => isOf(words, at, other));
          if (trace === undefined) continue;
        }
        give(this.#decode(words, doubles, bytes, at, hexOf(trace)));
      }
    }
  }

  /** Whether a span of the trace was here of late and is gone. */
  hasLost({ w1, w2, w3 }: TraceWords): boolean {
    return this.#forgotten.has(w1, w2, w3);
  }

  /**
   * Time passes: drops what is older than the age.
   * @param expireBeforeMs nothing that was written after it is dropped by age
   */
  tick(nowMs: number, expireBeforeMs: number): void {
    this.#nowMs = nowMs;
    const current = this.#current;
    if (
      current !== undefined &&
      nowMs - current.bornMs >= this.#options.maxAgeMs * SEGMENT_AGE_SHARE &&
      current.used * 4 >= this.#normalBytes * SEGMENT_USED_SHARE
    )
      this.#current = undefined;
    while (this.#segments.length > 0 && this.#segments[0].lastWriteMs <= expireBeforeMs)
      this.expiredSpans += this.#dropOldest();
    this.#spare = undefined;
    this.#forgotten.tick(nowMs);
  }

  /** Drops everything: the listener gets what it wants. */
  clear(): void {
    while (this.#segments.length > 0) this.expiredSpans += this.#dropOldest();
    this.#spare = undefined;
  }

  /** A segment with room for `need` bytes; undefined where that is more than the whole ring. */
  #newSegment(need: number): Segment | undefined {
    const size = Math.max(this.#normalBytes, Math.ceil(need / 8) * 8);
    // One of the remembering filters may come while a segment is dropped: its place is kept free.
    const room = this.#options.maxBytes - this.#forgotten.filterBytes - FILTER_BYTES - size;
    while (this.bytes > room && this.#segments.length > 0) this.evictedSpans += this.#dropOldest();
    if (this.bytes > room && size > this.#normalBytes) return undefined;
    const buffer = size === this.#normalBytes && this.#spare !== undefined ? this.#spare : new ArrayBuffer(size);
    this.#spare = undefined;
    const segment: Segment = {
      filter: new Int32Array(FILTER_BITS / 32),
      words: new Int32Array(buffer),
      doubles: new Float64Array(buffer),
      bytes: Buffer.from(buffer),
      used: 0,
      bornMs: this.#nowMs,
      lastWriteMs: this.#nowMs,
    };
    this.#segments.push(segment);
    this.#current = segment;
    this.#segmentBytes += size + FILTER_BYTES;
    return segment;
  }

  /** Drops the oldest segment. @returns how many spans */
  #dropOldest(): number {
    const { words, doubles, bytes, used } = this.#segments[0];
    const drops = this.#drops;
    const wanted = new Map<string, HeldSpan[]>();
    let dropped = 0;
    let last3 = 0;
    let last2 = 0;
    for (let at = 0; at < used; at += words[at + LENGTH]) {
      dropped++;
      const w2 = words[at + TRACE + 2];
      const w3 = words[at + TRACE + 3];
      const w0 = words[at + TRACE];
      const w1 = words[at + TRACE + 1];
      if (drops.wants(w0, w1, w2, w3)) {
        const traceId = hexOf({ w0, w1, w2, w3 });
        const span = this.#decode(words, doubles, bytes, at, traceId);
        const spans = wanted.get(traceId);
        if (spans === undefined) wanted.set(traceId, [span]);
        else spans.push(span);
      } else if (w3 !== last3 || w2 !== last2) {
        this.#forgotten.add(w1, w2, w3, this.#nowMs);
        last3 = w3;
        last2 = w2;
      }
    }
    const segment = this.#segments.shift()!;
    if (this.#current === segment) this.#current = undefined;
    this.#segmentBytes -= words.byteLength + FILTER_BYTES;
    if (words.byteLength === this.#normalBytes) this.#spare = words.buffer as ArrayBuffer;
    for (const [traceId, spans] of wanted) drops.onDropped(traceId, spans);
    return dropped;
  }

  /** Writes a span at word `at` of a segment with room for it. @returns the word behind it */
  #encode(segment: Segment, at: number, span: Span, shape: SpanShape | undefined, rest: string | undefined): number {
    const { words, bytes, filter } = segment;
    const { w0, w1, w2, w3, random } = span.trace;
    const first = firstBit(w3);
    const second = secondBit(w2, w3);
    filter[first >>> 5] |= 1 << (first & 31);
    filter[second >>> 5] |= 1 << (second & 31);
    words[at + TRACE] = w0;
    words[at + TRACE + 1] = w1;
    words[at + TRACE + 2] = w2;
    words[at + TRACE + 3] = w3;
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
    if (random) bits |= RANDOM;
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

function firstBit(w3: number): number {
  return (w3 ^ (w3 >>> 15)) & (FILTER_BITS - 1);
}

function secondBit(w2: number, w3: number): number {
  return (Math.imul(w2 ^ w3, 0x9e3779b1) >>> 17) & (FILTER_BITS - 1);
}

function inFilter(filter: Int32Array, w2: number, w3: number): boolean {
  const first = firstBit(w3);
  const second = secondBit(w2, w3);
  return (filter[first >>> 5] & (1 << (first & 31))) !== 0 && (filter[second >>> 5] & (1 << (second & 31))) !== 0;
}

function isOf(words: Int32Array, at: number, { w0, w1, w2, w3 }: TraceWords): boolean {
  return (
    words[at + TRACE + 3] === w3 &&
    words[at + TRACE + 2] === w2 &&
    words[at + TRACE + 1] === w1 &&
    words[at + TRACE] === w0
  );
}

function hexOf({ w0, w1, w2, w3 }: TraceWords): string {
  return hex(w0) + hex(w1) + hex(w2) + hex(w3);
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0');
}
