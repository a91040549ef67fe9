import type { Origin, SpanEvent } from '@forge/core';
import { ThriftReader } from '../bytes/thrift-reader.ts';
import { DecodeBudget, type DecodeLimits } from '../model/decode-limits.ts';
import { Decoding, type Decoded } from '../model/decoded-span.ts';
import { normalSpanId, normalTraceId } from '../model/ids.ts';
import { BYTES_KEY } from '../model/mapped-keys.ts';
import { eventOfFields, JaegerSpans, originOfProcess, RepeatedTags } from './span-from-jaeger.ts';
import type { JaegerReference } from './span-to-jaeger.ts';

const [BOOL, DOUBLE, I32, I64, TEXT, STRUCT, LIST] = [2, 4, 8, 10, 11, 12, 15];

/**
 * Spans of one Thrift `Batch` in the binary protocol: what Jaeger's clients post to port 14268.
 * Throws FORGE_FORMAT_INVALID where the bytes are no such struct, FORGE_FORMAT_TOO_LARGE beyond the limits.
 */
export function decodeJaegerThrift(bytes: Uint8Array, limits?: DecodeLimits): Decoded {
  return new Decoder(bytes, limits).batch();
}

class Decoder {
  readonly #reader: ThriftReader;
  readonly #budget: DecodeBudget;
  readonly #out = new Decoding();
  readonly #spans = new JaegerSpans();

  constructor(bytes: Uint8Array, limits: DecodeLimits | undefined) {
    this.#reader = new ThriftReader(bytes);
    this.#budget = new DecodeBudget(limits);
  }

  /** Twice over the fields: the process may come after its spans. */
  batch(): Decoded {
    const reader = this.#reader;
    let origin: Origin | undefined;
    let spansAt = -1;
    for (let id = reader.field(); id >= 0; id = reader.field()) {
      const { type } = reader;
      if (id === 1 && type === STRUCT) origin = this.#process();
      else {
        if (id === 2 && type === LIST) spansAt = reader.position;
        reader.skip(type);
      }
    }
    if (!reader.atEnd) reader.fail('something follows it');
    if (origin === undefined || spansAt < 0) return reader.fail('a batch without its process or its spans');
    reader.position = spansAt;
    const length = reader.list();
    if (reader.type !== STRUCT && length > 0) reader.fail('spans that are no structs');
    for (let i = 0; i < length; i++) this.#span(origin);
    return this.#out;
  }

  #process(): Origin {
    const reader = this.#reader;
    let serviceName = '';
    let tags: unknown[] = [];
    for (let id = reader.field(); id >= 0; id = reader.field()) {
      if (id === 1 && reader.type === TEXT) serviceName = reader.text();
      else if (id === 2 && reader.type === LIST) tags = this.#tags();
      else reader.skip(reader.type);
    }
    return originOfProcess(serviceName, tags);
  }

  #span(origin: Origin): void {
    const reader = this.#reader;
    this.#budget.span();
    let [low, high, ownId, parentId, name] = ['', '', '', '', ''];
    let [flags, startUnixUs, durationUs] = [0, 0, 0];
    let references: JaegerReference[] = [];
    let tags: unknown[] = [];
    let events: SpanEvent[] = [];
    for (let id = reader.field(); id >= 0; id = reader.field()) {
      const { type } = reader;
      if (type === I64 && id === 1) low = reader.id();
      else if (type === I64 && id === 2) high = reader.id();
      else if (type === I64 && id === 3) ownId = reader.id();
      else if (type === I64 && id === 4) parentId = reader.id();
      else if (type === TEXT && id === 5) name = reader.text();
      else if (type === LIST && id === 6)
        references = this.#structs(() => this.#reference()).filter((item) => item !== undefined);
      else if (type === I32 && id === 7) flags = reader.i32();
      else if (type === I64 && id === 8) startUnixUs = reader.number();
      else if (type === I64 && id === 9) durationUs = reader.number();
      else if (type === LIST && id === 10) tags = this.#tags();
      else if (type === LIST && id === 11) events = this.#structs(() => this.#log());
      else reader.skip(type);
    }
    const traceId = normalTraceId(high + low);
    const spanId = normalSpanId(ownId);
    if (traceId === undefined || spanId === undefined) {
      const what = traceId === undefined ? 'trace id' : 'span id';
      this.#out.reject(`span "${name.slice(0, 100)}" of service ${origin.serviceName.slice(0, 100)}: invalid ${what}`);
      return;
    }
    const parentSpanId = normalSpanId(parentId);
    const jaeger = {
      traceId,
      spanId,
      parentSpanId,
      name,
      references,
      flags,
      startUnixUs,
      durationUs,
      tags,
      events,
      warnings: [],
    };
    this.#out.spans.push(this.#spans.make(jaeger, origin));
  }

  #structs<T>(read: () => T): T[] {
    const length = this.#reader.list();
    if (this.#reader.type !== STRUCT && length > 0) this.#reader.fail('a list of other than structs');
    const items: T[] = [];
    for (let i = 0; i < length; i++) {
      this.#budget.value();
      items.push(read());
    }
    return items;
  }

  /** Undefined for a reference to nothing. */
  #reference(): JaegerReference | undefined {
    const reader = this.#reader;
    let [low, high, ownId] = ['', '', ''];
    let type = 0;
    for (let id = reader.field(); id >= 0; id = reader.field()) {
      if (id === 1 && reader.type === I32) type = reader.i32();
      else if (id === 2 && reader.type === I64) low = reader.id();
      else if (id === 3 && reader.type === I64) high = reader.id();
      else if (id === 4 && reader.type === I64) ownId = reader.id();
      else reader.skip(reader.type);
    }
    const traceId = normalTraceId(high + low);
    const spanId = normalSpanId(ownId);
    if (traceId === undefined || spanId === undefined) return undefined;
    return { type: type === 1 ? 'FOLLOWS_FROM' : 'CHILD_OF', traceId, spanId };
  }

  #log(): SpanEvent {
    const reader = this.#reader;
    let unixUs = 0;
    let fields: unknown[] = [];
    for (let id = reader.field(); id >= 0; id = reader.field()) {
      if (id === 1 && reader.type === I64) unixUs = reader.number();
      else if (id === 2 && reader.type === LIST) fields = this.#tags();
      else reader.skip(reader.type);
    }
    return eventOfFields(unixUs, fields);
  }

  #tags(): unknown[] {
    const tags = new RepeatedTags();
    this.#structs(() => this.#tag(tags));
    return tags.list;
  }

  /** The value's own field says its type: the enum beside it repeats that. */
  #tag(tags: RepeatedTags): void {
    const reader = this.#reader;
    let key = '';
    let value: unknown = null;
    for (let id = reader.field(); id >= 0; id = reader.field()) {
      const { type } = reader;
      if (type === TEXT && id === 1) key = reader.text();
      else if (type === TEXT && id === 3) value = reader.text();
      else if (type === DOUBLE && id === 4) value = reader.double();
      else if (type === BOOL && id === 5) value = reader.bool();
      else if (type === I64 && id === 6) value = reader.i64();
      else if (type === TEXT && id === 7) value = { [BYTES_KEY]: reader.base64() };
      else reader.skip(type);
    }
    tags.add(key, value);
  }
}
