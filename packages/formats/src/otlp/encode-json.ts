import {
  attributeOf,
  type AttributeList,
  type Origin,
  type Scope,
  type SpanData,
  type SpanEvent,
  type SpanLink,
} from '@forge/core';
import { bytesValueOf, BYTES_KEY, MAPPED } from '../model/mapped-keys.ts';
import { isImplied } from '../model/sampling-weight.ts';
import { groupSpans, type OriginGroup, type ScopeGroup } from '../model/span-groups.ts';
import { wellFormed } from '../model/text.ts';
import type { OtlpEncodeOptions } from './encode-protobuf.ts';
import { conventionOf, derivedAttributes, hasConventions, type SemconvMode } from './semantic-conventions.ts';

const MOST_DEPTH = 32;

/**
 * OTLP's JSON: protobuf's JSON mapping, but for ids in hex and enums as numbers.
 * https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 */
export function encodeOtlpJson(spans: readonly SpanData[], options: OtlpEncodeOptions = {}): string {
  const semconv = options.semconv ?? 'off';
  return JSON.stringify({ resourceSpans: groupSpans(spans).map((group) => resourceSpansOf(group, semconv)) });
}

type Json = Record<string, unknown>;

function resourceSpansOf({ origin, scopes }: OriginGroup, semconv: SemconvMode): Json {
  return {
    resource: resourceOf(origin),
    scopeSpans: scopes.map((group) => scopeSpansOf(group, semconv)),
    schemaUrl: textOf(origin.attributes, MAPPED.otlpResourceSchemaUrl),
  };
}

function resourceOf({ serviceName, nodeId, attributes }: Origin): Json {
  const list: Json[] = [];
  if (attributeOf(attributes, 'service.name') === undefined) list.push(keyValue('service.name', serviceName, 0));
  if (nodeId !== undefined) {
    const taken = attributeOf(attributes, 'service.instance.id') !== undefined;
    list.push(keyValue(taken ? MAPPED.nodeId : 'service.instance.id', nodeId, 0));
  }
  const rest = without(attributes, MAPPED.otlpResourceDropped, MAPPED.otlpResourceSchemaUrl);
  return {
    attributes: [...list, ...keyValues(rest)],
    droppedAttributesCount: countOf(attributes, MAPPED.otlpResourceDropped),
  };
}

function scopeSpansOf({ scope, spans }: ScopeGroup, semconv: SemconvMode): Json {
  const mode = hasConventions(scope) ? semconv : 'off';
  return {
    scope: scopeOf(scope),
    spans: spans.map((span) => spanOf(span, mode)),
    schemaUrl: textOf(scope.attributes, MAPPED.otlpScopeSchemaUrl),
  };
}

function scopeOf({ name, version, attributes }: Scope): Json {
  const rest = without(attributes, MAPPED.otlpScopeDropped, MAPPED.otlpScopeSchemaUrl);
  return {
    name: wellFormed(name),
    version: version === undefined ? undefined : wellFormed(version),
    attributes: some(keyValues(rest)),
    droppedAttributesCount: countOf(attributes, MAPPED.otlpScopeDropped),
  };
}

function spanOf(span: SpanData, semconv: SemconvMode): Json {
  const attributes = keyValues(attributesOf(span, semconv));
  if (span.resource !== span.name) attributes.push(keyValue(MAPPED.resource, span.resource, 0));
  if (!isImplied(span.weight, span.traceState)) attributes.push(keyValue(MAPPED.weight, span.weight, 0));
  const { status, statusMessage } = span;
  return {
    traceId: span.traceId.padStart(32, '0'),
    spanId: span.spanId,
    traceState: span.traceState,
    parentSpanId: span.parentSpanId,
    flags: (span.flags | (countOf(span.attributes, MAPPED.otlpFlags) ?? 0)) >>> 0 || undefined,
    name: wellFormed(span.name),
    kind: span.kind + 1,
    startTimeUnixNano: nanosOf(span.startUnixUs),
    endTimeUnixNano: nanosOf(span.startUnixUs + span.durationUs),
    attributes: some(attributes),
    droppedAttributesCount: span.droppedAttributes || undefined,
    events: some(span.events.map(eventOf)),
    droppedEventsCount: span.droppedEvents || undefined,
    links: some(span.links.map(linkOf)),
    droppedLinksCount: span.droppedLinks || undefined,
    status:
      status === 0 && statusMessage === undefined
        ? undefined
        : { code: status || undefined, message: statusMessage === undefined ? undefined : wellFormed(statusMessage) },
  };
}

function attributesOf(span: SpanData, semconv: SemconvMode): AttributeList {
  const own = without(span.attributes, MAPPED.otlpFlags);
  const convention = semconv === 'off' ? undefined : conventionOf(span.name);
  if (convention === undefined) return own;
  const list: unknown[] = [];
  for (let i = 0; i < own.length; i += 2) {
    const name = convention.renamed.get(own[i] as string);
    if (name === undefined || semconv === 'add') list.push(own[i], own[i + 1]);
    if (name !== undefined) list.push(name, own[i + 1]);
  }
  list.push(...derivedAttributes(span, convention));
  return list;
}

function eventOf({ name, unixUs, attributes, droppedAttributes }: SpanEvent): Json {
  return {
    timeUnixNano: nanosOf(unixUs),
    name: wellFormed(name),
    attributes: some(keyValues(attributes)),
    droppedAttributesCount: droppedAttributes || undefined,
  };
}

function linkOf(link: SpanLink): Json {
  return {
    traceId: link.traceId.padStart(32, '0'),
    spanId: link.spanId,
    traceState: link.traceState,
    attributes: some(keyValues(without(link.attributes, MAPPED.otlpFlags))),
    droppedAttributesCount: link.droppedAttributes || undefined,
    flags: (link.flags | (countOf(link.attributes, MAPPED.otlpFlags) ?? 0)) >>> 0 || undefined,
  };
}

function nanosOf(unixUs: number): string {
  return unixUs > 0 ? `${unixUs}000` : '0';
}

function textOf(list: AttributeList, key: string): string | undefined {
  const value = attributeOf(list, key);
  return typeof value === 'string' ? value : undefined;
}

function countOf(list: AttributeList, key: string): number | undefined {
  const value = attributeOf(list, key);
  return typeof value === 'number' ? value : undefined;
}

/** The list without these keys; the list itself where it has none of them. */
function without(list: AttributeList, ...keys: string[]): AttributeList {
  if (!keys.some((key) => list.includes(key))) return list;
  const rest: unknown[] = [];
  for (let i = 0; i < list.length; i += 2) if (!keys.includes(list[i] as string)) rest.push(list[i], list[i + 1]);
  return rest;
}

function some<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list;
}

function keyValues(list: AttributeList): Json[] {
  const all: Json[] = [];
  for (let i = 0; i < list.length; i += 2) all.push(keyValue(list[i] as string, list[i + 1], 0));
  return all;
}

function keyValue(key: string, value: unknown, depth: number): Json {
  return { key: wellFormed(key), value: anyValue(value, depth) };
}

function anyValue(value: unknown, depth: number): Json {
  switch (typeof value) {
    case 'string':
      return { stringValue: wellFormed(value) };
    case 'number':
      if (Number.isSafeInteger(value) && !Object.is(value, -0)) return { intValue: String(value) };
      if (Object.is(value, -0)) return { doubleValue: '-0' };
      return { doubleValue: Number.isFinite(value) ? value : String(value) };
    case 'boolean':
      return { boolValue: value };
    case 'object':
      return value === null ? {} : objectValue(value, depth);
    case 'bigint':
      return { stringValue: String(value) };
    case 'undefined':
    case 'function':
    case 'symbol':
      return {};
  }
}

function objectValue(value: object, depth: number): Json {
  if (depth >= MOST_DEPTH) return { stringValue: '[too deep]' };
  if (Array.isArray(value)) return { arrayValue: { values: value.map((item) => anyValue(item, depth + 1)) } };
  const base64 = BYTES_KEY in value ? bytesValueOf(value) : undefined;
  if (base64 !== undefined) return { bytesValue: base64 };
  const values = Object.entries(value).map(([key, item]) => keyValue(key, item, depth + 1));
  return { kvlistValue: { values } };
}
