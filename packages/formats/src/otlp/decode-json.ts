import {
  attributesToObject,
  type Kind,
  type Origin,
  type Scope,
  type SpanEvent,
  type SpanLink,
  type Status,
} from '@forge/core';
import { formatError } from '../errors.ts';
import { DecodeBudget, type DecodeLimits } from '../model/decode-limits.ts';
import { DecodedSpan, Decoding, UniqueList, type Decoded } from '../model/decoded-span.ts';
import { normalSpanId, normalTraceId } from '../model/ids.ts';
import { arrayIn, countIn, objectIn, textIn, type JsonObject } from '../model/json-access.ts';
import { parseJson } from '../model/json-scan.ts';
import { BYTES_KEY, MAPPED } from '../model/mapped-keys.ts';
import { originOf, scopeOf } from './origin-and-scope.ts';

/**
 * Spans of an OTLP JSON document. Ids in hex of either case, 64-bit numbers as numbers or text, enums by number or name,
 * members in lowerCamelCase or by their names in the .proto files, and the `instrumentationLibrarySpans` of old versions.
 * Throws FORGE_FORMAT_INVALID where it is no such document, FORGE_FORMAT_TOO_LARGE beyond the limits.
 */
export function decodeOtlpJson(document: Uint8Array | string, limits?: DecodeLimits): Decoded {
  return decodeOtlpValue(parseJson(document, { maxValues: limits?.maxValues }), limits);
}

/** The same of a document that is parsed already. */
export function decodeOtlpValue(document: unknown, limits?: DecodeLimits): Decoded {
  const root = objectIn(document);
  if (root === undefined) throw formatError('FORGE_FORMAT_INVALID', 'not OTLP JSON: not an object');
  const resourceSpans = member(root, 'resourceSpans', 'resource_spans');
  if (resourceSpans !== undefined && !Array.isArray(resourceSpans))
    throw formatError('FORGE_FORMAT_INVALID', 'not OTLP JSON: resourceSpans is not an array');
  return new Decoder(limits).request(arrayIn(resourceSpans));
}

class Decoder {
  readonly #budget: DecodeBudget;
  readonly #out = new Decoding();

  constructor(limits: DecodeLimits | undefined) {
    this.#budget = new DecodeBudget(limits);
  }

  request(resourceSpans: readonly unknown[]): Decoded {
    for (const item of resourceSpans) {
      const group = objectIn(item);
      if (group === undefined) continue;
      const resource = objectIn(group['resource']) ?? {};
      const dropped = countIn(member(resource, 'droppedAttributesCount', 'dropped_attributes_count'));
      const origin = originOf(this.#attributes(resource['attributes']).list, dropped, schemaUrlOf(group));
      const scopes = member(group, 'scopeSpans', 'scope_spans') ?? group['instrumentationLibrarySpans'];
      for (const scopeSpans of arrayIn(scopes)) this.#scopeSpans(objectIn(scopeSpans) ?? {}, origin);
    }
    return this.#out;
  }

  #scopeSpans(group: JsonObject, origin: Origin): void {
    const scope = this.#scope(objectIn(group['scope'] ?? group['instrumentationLibrary']) ?? {}, schemaUrlOf(group));
    for (const item of arrayIn(group['spans'])) {
      this.#budget.span();
      const span = objectIn(item);
      if (span === undefined)
        this.#out.reject(`a span of service ${origin.serviceName.slice(0, 100)} is not an object`);
      else this.#span(span, origin, scope);
    }
  }

  #scope(scope: JsonObject, schemaUrl: string): Scope {
    const dropped = countIn(member(scope, 'droppedAttributesCount', 'dropped_attributes_count'));
    const attributes = this.#attributes(scope['attributes']).list;
    return scopeOf(textIn(scope['name']) ?? '', textIn(scope['version']) ?? '', attributes, dropped, schemaUrl);
  }

  #span(json: JsonObject, origin: Origin, scope: Scope): void {
    const name = textIn(json['name']) ?? '';
    const traceId = fullId(member(json, 'traceId', 'trace_id'), 32, normalTraceId);
    const spanId = fullId(member(json, 'spanId', 'span_id'), 16, normalSpanId);
    if (traceId === undefined || spanId === undefined) {
      const what = traceId === undefined ? 'trace id' : 'span id';
      this.#out.reject(`span "${name.slice(0, 100)}" of service ${origin.serviceName.slice(0, 100)}: invalid ${what}`);
      return;
    }
    const span = new DecodedSpan(origin, scope);
    span.traceId = traceId;
    span.spanId = spanId;
    span.parentSpanId = normalSpanId(member(json, 'parentSpanId', 'parent_span_id'));
    span.name = name;
    span.traceState = textIn(member(json, 'traceState', 'trace_state')) || undefined;
    span.kind = kindOf(json['kind']);
    span.startUnixUs = microsOf(member(json, 'startTimeUnixNano', 'start_time_unix_nano'));
    span.durationUs = Math.max(0, microsOf(member(json, 'endTimeUnixNano', 'end_time_unix_nano')) - span.startUnixUs);
    const attributes = this.#attributes(json['attributes']);
    span.droppedAttributes = countIn(member(json, 'droppedAttributesCount', 'dropped_attributes_count'));
    const events = arrayIn(json['events']);
    if (events.length > 0) span.events = events.map((event) => this.#event(objectIn(event) ?? {}));
    span.droppedEvents = countIn(member(json, 'droppedEventsCount', 'dropped_events_count'));
    const links = arrayIn(json['links']).map((link) => this.#link(objectIn(link) ?? {}));
    if (links.length > 0) span.links = links.filter((link) => link !== undefined);
    span.droppedLinks =
      countIn(member(json, 'droppedLinksCount', 'dropped_links_count')) + links.length - span.links.length;
    const status = objectIn(json['status']);
    if (status !== undefined) {
      span.status = statusOf(status['code']);
      span.statusMessage = textIn(status['message']) || undefined;
    }
    span.flags = this.#flags(json['flags'], attributes);
    this.#out.spans.push(span.finish(attributes.list));
  }

  /** The lower 8 bits; the others, which only OTLP knows, become an attribute. */
  #flags(value: unknown, attributes: UniqueList): number {
    const flags = countIn(value) % 0x1_0000_0000;
    if (flags > 0xff) attributes.set(MAPPED.otlpFlags, flags - (flags & 0xff));
    return flags & 0xff;
  }

  #event(json: JsonObject): SpanEvent {
    this.#budget.value();
    return {
      name: textIn(json['name']) ?? '',
      unixUs: microsOf(member(json, 'timeUnixNano', 'time_unix_nano')),
      attributes: this.#attributes(json['attributes']).list,
      droppedAttributes: countIn(member(json, 'droppedAttributesCount', 'dropped_attributes_count')),
    };
  }

  /** Undefined for a link to nothing. */
  #link(json: JsonObject): SpanLink | undefined {
    this.#budget.value();
    const traceId = normalTraceId(member(json, 'traceId', 'trace_id'));
    const spanId = normalSpanId(member(json, 'spanId', 'span_id'));
    if (traceId === undefined || spanId === undefined) return undefined;
    const attributes = this.#attributes(json['attributes']);
    const flags = this.#flags(json['flags'], attributes);
    const traceState = textIn(member(json, 'traceState', 'trace_state')) || undefined;
    const droppedAttributes = countIn(member(json, 'droppedAttributesCount', 'dropped_attributes_count'));
    return { traceId, spanId, traceState, flags, attributes: attributes.list, droppedAttributes };
  }

  #attributes(list: unknown, depth = 0): UniqueList {
    const attributes = new UniqueList();
    for (const item of arrayIn(list)) {
      this.#budget.value();
      const pair = objectIn(item);
      const key = textIn(pair?.['key']);
      if (pair !== undefined && key !== undefined) attributes.set(key, this.#anyValue(pair['value'], depth));
    }
    return attributes;
  }

  #anyValue(value: unknown, depth: number): unknown {
    this.#budget.depth(depth);
    const json = objectIn(value);
    if (json === undefined) return null;
    const text = member(json, 'stringValue', 'string_value');
    if (typeof text === 'string') return text;
    const integer = member(json, 'intValue', 'int_value');
    if (integer !== undefined) return int64Of(integer);
    const flag = member(json, 'boolValue', 'bool_value');
    if (typeof flag === 'boolean') return flag;
    const double = member(json, 'doubleValue', 'double_value');
    if (typeof double === 'number' || typeof double === 'string') return Number(double);
    const array = objectIn(member(json, 'arrayValue', 'array_value'));
    if (array !== undefined)
      return arrayIn(array['values']).map((item) => (this.#budget.value(), this.#anyValue(item, depth + 1)));
    const object = objectIn(member(json, 'kvlistValue', 'kvlist_value'));
    if (object !== undefined) return attributesToObject(this.#attributes(object['values'], depth + 1).list);
    const bytes = member(json, 'bytesValue', 'bytes_value');
    return typeof bytes === 'string' ? { [BYTES_KEY]: bytes } : null;
  }
}

/** A member by its JSON name or its name in the .proto file. */
function member(json: JsonObject, name: string, protoName: string): unknown {
  return json[name] ?? json[protoName] ?? undefined;
}

function schemaUrlOf(group: JsonObject): string {
  return textIn(member(group, 'schemaUrl', 'schema_url')) ?? '';
}

function fullId(value: unknown, digits: number, normal: (text: unknown) => string | undefined): string | undefined {
  return typeof value === 'string' && value.length === digits ? normal(value) : undefined;
}

/** Whole microseconds, rounded down, of nanoseconds as text or as a number that has lost its last digits. */
function microsOf(nanos: unknown): number {
  if (typeof nanos === 'string' && /^\d{1,20}$/.test(nanos)) return Number(nanos.slice(0, -3));
  return typeof nanos === 'number' && nanos > 0 ? Math.floor(nanos / 1000) : 0;
}

function int64Of(value: unknown): unknown {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string' || !/^[+-]?\d{1,20}$/.test(value)) return Number(value);
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

const KINDS = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'];

function kindOf(value: unknown): Kind {
  const code = typeof value === 'string' ? KINDS.indexOf(value.replace('SPAN_KIND_', '')) : value;
  return (typeof code === 'number' && code >= 1 && code <= 5 ? Math.floor(code) - 1 : 0) as Kind;
}

const STATUSES = ['UNSET', 'OK', 'ERROR'];

function statusOf(value: unknown): Status {
  const code = typeof value === 'string' ? STATUSES.indexOf(value.replace('STATUS_CODE_', '')) : value;
  return code === 1 || code === 2 ? code : 0;
}
