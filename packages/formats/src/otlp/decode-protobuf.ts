import {
  attributesToObject,
  type Kind,
  type Origin,
  type Scope,
  type SpanEvent,
  type SpanLink,
  type Status,
} from '@forge/core';
import { ProtobufReader } from '../bytes/protobuf-reader.ts';
import { DecodeBudget, type DecodeLimits } from '../model/decode-limits.ts';
import { DecodedSpan, Decoding, UniqueList, type Decoded } from '../model/decoded-span.ts';
import { normalSpanId, normalTraceId } from '../model/ids.ts';
import { BYTES_KEY, MAPPED } from '../model/mapped-keys.ts';
import { originOf, scopeOf } from './origin-and-scope.ts';

/**
 * Spans of an OTLP `ExportTraceServiceRequest` or `TracesData`. Fields in any order, unknown ones passed over.
 * Throws FORGE_FORMAT_INVALID where the bytes are no such message, FORGE_FORMAT_TOO_LARGE beyond the limits.
 */
export function decodeOtlpProtobuf(bytes: Uint8Array, limits?: DecodeLimits): Decoded {
  return new Decoder(bytes, limits).request();
}

class Decoder {
  readonly #reader: ProtobufReader;
  readonly #budget: DecodeBudget;
  readonly #out = new Decoding();

  constructor(bytes: Uint8Array, limits: DecodeLimits | undefined) {
    this.#reader = new ProtobufReader(bytes);
    this.#budget = new DecodeBudget(limits);
  }

  request(): Decoded {
    const reader = this.#reader;
    const end = reader.length;
    while (reader.position < end) {
      const tag = reader.tag(end);
      if (tag === 0x0a) this.#resourceSpans(reader.lengthDelimited(end));
      else reader.skip(tag, end);
    }
    return this.#out;
  }

  /** Twice over the fields: the resource may come after its spans. */
  #resourceSpans(end: number): void {
    const reader = this.#reader;
    const start = reader.position;
    const attributes = new UniqueList();
    let dropped = 0;
    let schemaUrl = '';
    while (reader.position < end) {
      const tag = reader.tag(end);
      if (tag === 0x0a) dropped = this.#attributesAndCount(reader.lengthDelimited(end), attributes, 0x0a, 0x10);
      else if (tag === 0x1a) schemaUrl = reader.text(end);
      else reader.skip(tag, end);
    }
    const origin = originOf(attributes.list, dropped, schemaUrl);
    reader.position = start;
    while (reader.position < end) {
      const tag = reader.tag(end);
      if (tag === 0x12) this.#scopeSpans(reader.lengthDelimited(end), origin);
      else reader.skip(tag, end);
    }
  }

  /** A message of attributes in `attributesTag` and a count in `countTag`; other fields are passed over. */
  #attributesAndCount(end: number, attributes: UniqueList, attributesTag: number, countTag: number): number {
    const reader = this.#reader;
    let count = 0;
    while (reader.position < end) {
      const tag = reader.tag(end);
      if (tag === attributesTag) this.#keyValue(reader.lengthDelimited(end), attributes, 0);
      else if (tag === countTag) count = reader.varint(end) >>> 0;
      else reader.skip(tag, end);
    }
    return count;
  }

  #scopeSpans(end: number, origin: Origin): void {
    const reader = this.#reader;
    const start = reader.position;
    let schemaUrl = '';
    let [scopeStart, scopeEnd] = [start, start];
    while (reader.position < end) {
      const tag = reader.tag(end);
      if (tag === 0x0a) {
        scopeEnd = reader.lengthDelimited(end);
        scopeStart = reader.position;
        reader.position = scopeEnd;
      } else if (tag === 0x1a) schemaUrl = reader.text(end);
      else reader.skip(tag, end);
    }
    reader.position = scopeStart;
    const scope = this.#scope(scopeEnd, schemaUrl);
    reader.position = start;
    while (reader.position < end) {
      const tag = reader.tag(end);
      if (tag === 0x12) this.#span(reader.lengthDelimited(end), origin, scope);
      else reader.skip(tag, end);
    }
  }

  #scope(end: number, schemaUrl: string): Scope {
    const reader = this.#reader;
    const attributes = new UniqueList();
    let [name, version] = ['', ''];
    let dropped = 0;
    while (reader.position < end) {
      const tag = reader.tag(end);
      if (tag === 0x0a) name = reader.text(end);
      else if (tag === 0x12) version = reader.text(end);
      else if (tag === 0x1a) this.#keyValue(reader.lengthDelimited(end), attributes, 0);
      else if (tag === 0x20) dropped = reader.varint(end) >>> 0;
      else reader.skip(tag, end);
    }
    return scopeOf(name, version, attributes.list, dropped, schemaUrl);
  }

  #span(end: number, origin: Origin, scope: Scope): void {
    const reader = this.#reader;
    this.#budget.span();
    const span = new DecodedSpan(origin, scope);
    const attributes = new UniqueList();
    let [traceId, spanId, parentId] = ['', '', ''];
    let endUnixUs = 0;
    let flags = 0;
    let events: SpanEvent[] | undefined;
    let links: SpanLink[] | undefined;
    while (reader.position < end) {
      const tag = reader.tag(end);
      switch (tag) {
        case 0x0a:
          traceId = reader.hex(end);
          break;
        case 0x12:
          spanId = reader.hex(end);
          break;
        case 0x1a:
          span.traceState = reader.text(end) || undefined;
          break;
        case 0x22:
          parentId = reader.hex(end);
          break;
        case 0x2a:
          span.name = reader.text(end);
          break;
        case 0x30:
          span.kind = kindOf(reader.varint(end));
          break;
        case 0x39:
          span.startUnixUs = reader.fixed64Micros(end);
          break;
        case 0x41:
          endUnixUs = reader.fixed64Micros(end);
          break;
        case 0x4a:
          this.#keyValue(reader.lengthDelimited(end), attributes, 0);
          break;
        case 0x50:
          span.droppedAttributes = reader.varint(end) >>> 0;
          break;
        case 0x5a:
          (events ??= []).push(this.#event(reader.lengthDelimited(end)));
          break;
        case 0x60:
          span.droppedEvents = reader.varint(end) >>> 0;
          break;
        case 0x6a: {
          const link = this.#link(reader.lengthDelimited(end));
          if (link === undefined) span.droppedLinks++;
          else (links ??= []).push(link);
          break;
        }
        case 0x70:
          span.droppedLinks += reader.varint(end) >>> 0;
          break;
        case 0x7a:
          this.#status(reader.lengthDelimited(end), span);
          break;
        case 0x85:
          flags = reader.fixed32(end);
          break;
        default:
          reader.skip(tag, end);
      }
    }
    const id = traceId.length === 32 ? normalTraceId(traceId) : undefined;
    const own = spanId.length === 16 ? normalSpanId(spanId) : undefined;
    if (id === undefined || own === undefined) {
      const what = id === undefined ? `trace id "${traceId}"` : `span id "${spanId}"`;
      this.#out.reject(
        `span "${span.name.slice(0, 100)}" of service ${origin.serviceName.slice(0, 100)}: invalid ${what}`,
      );
      return;
    }
    span.traceId = id;
    span.spanId = own;
    span.parentSpanId = parentId.length === 16 ? normalSpanId(parentId) : undefined;
    span.durationUs = Math.max(0, endUnixUs - span.startUnixUs);
    if (events !== undefined) span.events = events;
    if (links !== undefined) span.links = links;
    span.flags = flags & 0xff;
    if (flags > 0xff) attributes.set(MAPPED.otlpFlags, flags - (flags & 0xff));
    this.#out.spans.push(span.finish(attributes.list));
  }

  #status(end: number, span: DecodedSpan): void {
    const reader = this.#reader;
    while (reader.position < end) {
      const tag = reader.tag(end);
      if (tag === 0x12) span.statusMessage = reader.text(end) || undefined;
      else if (tag === 0x18) {
        const code = reader.varint(end);
        span.status = (code <= 2 ? code : 0) as Status;
      } else reader.skip(tag, end);
    }
  }

  #event(end: number): SpanEvent {
    const reader = this.#reader;
    this.#budget.value();
    const attributes = new UniqueList();
    let name = '';
    let unixUs = 0;
    let droppedAttributes = 0;
    while (reader.position < end) {
      const tag = reader.tag(end);
      if (tag === 0x09) unixUs = reader.fixed64Micros(end);
      else if (tag === 0x12) name = reader.text(end);
      else if (tag === 0x1a) this.#keyValue(reader.lengthDelimited(end), attributes, 0);
      else if (tag === 0x20) droppedAttributes = reader.varint(end) >>> 0;
      else reader.skip(tag, end);
    }
    return { name, unixUs, attributes: attributes.list, droppedAttributes };
  }

  /** Undefined for a link to nothing. */
  #link(end: number): SpanLink | undefined {
    const reader = this.#reader;
    this.#budget.value();
    const attributes = new UniqueList();
    let [traceId, spanId]: (string | undefined)[] = [undefined, undefined];
    let traceState: string | undefined;
    let flags = 0;
    let droppedAttributes = 0;
    while (reader.position < end) {
      const tag = reader.tag(end);
      if (tag === 0x0a) traceId = normalTraceId(reader.hex(end));
      else if (tag === 0x12) spanId = normalSpanId(reader.hex(end));
      else if (tag === 0x1a) traceState = reader.text(end) || undefined;
      else if (tag === 0x22) this.#keyValue(reader.lengthDelimited(end), attributes, 0);
      else if (tag === 0x28) droppedAttributes = reader.varint(end) >>> 0;
      else if (tag === 0x35) flags = reader.fixed32(end);
      else reader.skip(tag, end);
    }
    if (traceId === undefined || spanId === undefined) return undefined;
    if (flags > 0xff) attributes.set(MAPPED.otlpFlags, flags - (flags & 0xff));
    return { traceId, spanId, traceState, flags: flags & 0xff, attributes: attributes.list, droppedAttributes };
  }

  #keyValue(end: number, into: UniqueList, depth: number): void {
    const reader = this.#reader;
    this.#budget.value();
    let key = '';
    let value: unknown = null;
    while (reader.position < end) {
      const tag = reader.tag(end);
      if (tag === 0x0a) key = reader.text(end);
      else if (tag === 0x12) value = this.#anyValue(reader.lengthDelimited(end), depth);
      else reader.skip(tag, end);
    }
    into.set(key, value);
  }

  #anyValue(end: number, depth: number): unknown {
    const reader = this.#reader;
    let value: unknown = null;
    while (reader.position < end) {
      const tag = reader.tag(end);
      switch (tag) {
        case 0x0a:
          value = reader.text(end);
          break;
        case 0x10:
          value = reader.varint(end) !== 0;
          break;
        case 0x18:
          value = reader.int64(end);
          break;
        case 0x21:
          value = reader.double(end);
          break;
        case 0x2a:
          value = this.#array(reader.lengthDelimited(end), depth + 1);
          break;
        case 0x32:
          value = this.#object(reader.lengthDelimited(end), depth + 1);
          break;
        case 0x3a:
          value = { [BYTES_KEY]: reader.base64(end) };
          break;
        default:
          reader.skip(tag, end);
      }
    }
    return value;
  }

  #array(end: number, depth: number): unknown[] {
    const reader = this.#reader;
    this.#budget.depth(depth);
    const items: unknown[] = [];
    while (reader.position < end) {
      const tag = reader.tag(end);
      if (tag === 0x0a) {
        this.#budget.value();
        items.push(this.#anyValue(reader.lengthDelimited(end), depth));
      } else reader.skip(tag, end);
    }
    return items;
  }

  #object(end: number, depth: number): Record<string, unknown> {
    const reader = this.#reader;
    this.#budget.depth(depth);
    const list = new UniqueList();
    while (reader.position < end) {
      const tag = reader.tag(end);
      if (tag === 0x0a) this.#keyValue(reader.lengthDelimited(end), list, depth);
      else reader.skip(tag, end);
    }
    return attributesToObject(list.list);
  }
}

function kindOf(code: number): Kind {
  return (code >= 1 && code <= 5 ? code - 1 : 0) as Kind;
}
