import {
  Span,
  type AttributeList,
  type Origin,
  type Scope,
  type SpanData,
  type SpanEvent,
  type SpanLink,
} from '@forge/core';
import { Buffer } from 'node:buffer';
import { ReverseWriter } from '../bytes/reverse-writer.ts';
import { BYTES_KEY, bytesValueOf, MAPPED } from '../model/mapped-keys.ts';
import { isImplied } from '../model/sampling-weight.ts';
import {
  conventionOf,
  derivedAttributes,
  hasConventions,
  type Convention,
  type SemconvMode,
} from './semantic-conventions.ts';
import { groupSpans, type OriginGroup, type ScopeGroup } from '../model/span-groups.ts';

const MOST_DEPTH = 32;
const TWO_TO_32 = 0x1_0000_0000;

export interface OtlpEncodeOptions {
  /** OpenTelemetry's stable attributes for Forge's own spans: beside the tags, instead of them, or not. Default `off`. */
  readonly semconv?: SemconvMode;
}

/** Encodes batch after batch into one buffer of its own. */
export interface OtlpEncoder {
  /** A view of the encoder's buffer: valid until the next `encode`. */
  encode(spans: readonly SpanData[]): Uint8Array;
}

/**
 * Makes an encoder of OTLP's `ExportTraceServiceRequest`, which is also a `TracesData`, of opentelemetry-proto 1.x.
 * Written by hand in one pass; resource and scope once a group.
 */
export function createOtlpEncoder(options: OtlpEncodeOptions = {}): OtlpEncoder {
  const own = new ReverseWriter();
  const semconv = options.semconv ?? 'off';
  return {
    encode(spans) {
      own.reset();
      writer = own;
      writeRequest(groupSpans(spans), semconv);
      return own.view();
    },
  };
}

/** A whole request in bytes of its own. */
export function encodeOtlpProtobuf(
  spans: readonly SpanData[],
  options: OtlpEncodeOptions = {},
): Uint8Array<ArrayBuffer> {
  shared.reset();
  writer = shared;
  writeRequest(groupSpans(spans), options.semconv ?? 'off');
  return shared.take();
}

const shared = new ReverseWriter(4096);
// Encoding is synchronous, so the writer at work can be the module's: passing it through every call costs a tenth.
let writer = shared;

function writeRequest(groups: readonly OriginGroup[], semconv: SemconvMode): void {
  for (let i = groups.length - 1; i >= 0; i--) {
    const { origin, scopes } = groups[i];
    const end = writer.length;
    textField(0x1a, findText(origin.attributes, MAPPED.otlpResourceSchemaUrl));
    for (let j = scopes.length - 1; j >= 0; j--) {
      const scopeEnd = writer.length;
      writeScopeSpans(scopes[j], semconv);
      closeMessage(0x12, scopeEnd);
    }
    const originEnd = writer.length;
    writeOrigin(origin);
    closeMessage(0x0a, originEnd);
    closeMessage(0x0a, end);
  }
}

function closeMessage(tag: number, end: number): void {
  writer.varint(writer.length - end);
  writer.byte(tag);
}

function textField(tag: number, text: string | undefined): void {
  if (text === undefined || text.length === 0) return;
  const end = writer.length;
  writer.text(text);
  closeMessage(tag, end);
}

function countField(tag: number, count: number): void {
  if (!(count > 0)) return;
  writer.varint(Math.min(Math.floor(count), 0xffff_ffff));
  writer.byte(tag);
}

function findText(list: AttributeList, key: string): string | undefined {
  for (let i = 0; i < list.length; i += 2)
    if (list[i] === key && typeof list[i + 1] === 'string') return list[i + 1] as string;
  return undefined;
}

function findCount(list: AttributeList, key: string): number {
  for (let i = 0; i < list.length; i += 2)
    if (list[i] === key && typeof list[i + 1] === 'number') return list[i + 1] as number;
  return 0;
}

// --- resource and scope ---

function writeOrigin({ serviceName, nodeId, attributes }: Origin): void {
  countField(0x10, findCount(attributes, MAPPED.otlpResourceDropped));
  let hasService = false;
  let hasInstance = false;
  for (let i = attributes.length - 2; i >= 0; i -= 2) {
    const key = attributes[i] as string;
    if (key === MAPPED.otlpResourceDropped || key === MAPPED.otlpResourceSchemaUrl) continue;
    if (key === 'service.name') hasService = true;
    if (key === 'service.instance.id') hasInstance = true;
    keyValue(0x0a, key, attributes[i + 1], 0);
  }
  if (nodeId !== undefined) keyValue(0x0a, hasInstance ? MAPPED.nodeId : 'service.instance.id', nodeId, 0);
  if (!hasService) keyValue(0x0a, 'service.name', serviceName, 0);
}

function writeScopeSpans({ scope, spans }: ScopeGroup, semconv: SemconvMode): void {
  const mode = hasConventions(scope) ? semconv : 'off';
  textField(0x1a, findText(scope.attributes, MAPPED.otlpScopeSchemaUrl));
  for (let i = spans.length - 1; i >= 0; i--) {
    const end = writer.length;
    writeSpan(spans[i], mode);
    closeMessage(0x12, end);
  }
  const end = writer.length;
  writeScope(scope);
  closeMessage(0x0a, end);
}

function writeScope({ name, version, attributes }: Scope): void {
  countField(0x20, findCount(attributes, MAPPED.otlpScopeDropped));
  for (let i = attributes.length - 2; i >= 0; i -= 2) {
    const key = attributes[i] as string;
    if (key !== MAPPED.otlpScopeDropped && key !== MAPPED.otlpScopeSchemaUrl) keyValue(0x1a, key, attributes[i + 1], 0);
  }
  textField(0x12, version);
  textField(0x0a, name);
}

// --- span: fields from the last to the first ---

function writeSpan(span: SpanData, semconv: SemconvMode): void {
  const { attributes, events, links, name, resource, traceState, startUnixUs, status, weight } = span;
  writeFlags(span, attributes);
  writeStatus(status, span.statusMessage);
  countField(0x70, span.droppedLinks);
  for (let i = links.length - 1; i >= 0; i--) {
    const end = writer.length;
    writeLink(links[i]);
    closeMessage(0x6a, end);
  }
  countField(0x60, span.droppedEvents);
  for (let i = events.length - 1; i >= 0; i--) {
    const end = writer.length;
    writeEvent(events[i]);
    closeMessage(0x5a, end);
  }
  countField(0x50, span.droppedAttributes);
  if (!isImplied(weight, traceState)) keyValue(0x4a, MAPPED.weight, weight, 0);
  if (resource !== name) keyValue(0x4a, MAPPED.resource, resource, 0);
  const convention = semconv === 'off' ? undefined : conventionOf(name);
  if (convention === undefined) {
    for (let i = attributes.length - 2; i >= 0; i -= 2)
      if (attributes[i] !== MAPPED.otlpFlags) keyValue(0x4a, attributes[i] as string, attributes[i + 1], 0);
  } else writeConventional(span, convention, semconv === 'only');
  fixed64Nanos(startUnixUs + span.durationUs);
  writer.byte(0x41);
  fixed64Nanos(startUnixUs);
  writer.byte(0x39);
  writer.byte(span.kind + 1);
  writer.byte(0x30);
  textField(0x2a, name);
  writeIds(span, traceState);
}

function writeFlags(span: SpanData, attributes: AttributeList): void {
  const flags = span.flags | findCount(attributes, MAPPED.otlpFlags);
  if (flags === 0) return;
  writer.wordLE(flags);
  // Field 16, wire type 5: 0x85 0x01.
  writer.byte(0x01);
  writer.byte(0x85);
}

function writeStatus(code: number, message: string | undefined): void {
  if (code === 0 && message === undefined) return;
  const end = writer.length;
  if (code !== 0) {
    writer.byte(code);
    writer.byte(0x18);
  }
  textField(0x12, message);
  closeMessage(0x7a, end);
}

function writeIds(span: SpanData, traceState: string | undefined): void {
  if (span instanceof Span) {
    // Our own spans hold their ids as words: no hex in between.
    if ((span.parentHigh | span.parentLow) !== 0) {
      writer.wordBE(span.parentLow);
      writer.wordBE(span.parentHigh);
      writer.byte(8);
      writer.byte(0x22);
    }
    textField(0x1a, traceState);
    writer.wordBE(span.idLow);
    writer.wordBE(span.idHigh);
    writer.byte(8);
    writer.byte(0x12);
    const { trace } = span;
    writer.wordBE(trace.w3);
    writer.wordBE(trace.w2);
    writer.wordBE(trace.w1);
    writer.wordBE(trace.w0);
  } else {
    if (span.parentSpanId !== undefined) spanId(0x22, span.parentSpanId);
    textField(0x1a, traceState);
    spanId(0x12, span.spanId);
    traceId(span.traceId);
  }
  writer.byte(16);
  writer.byte(0x0a);
}

function spanId(tag: number, id: string): void {
  writer.hex(id);
  writer.byte(8);
  writer.byte(tag);
}

/** 16 bytes: of a 64-bit id the first 8 are zeros. */
function traceId(id: string): void {
  writer.hex(id);
  if (id.length >= 32) return;
  writer.wordBE(0);
  writer.wordBE(0);
}

function writeConventional(span: SpanData, { renamed, derive }: Convention, only: boolean): void {
  const derived = derivedAttributes(span, { renamed, derive });
  for (let i = derived.length - 2; i >= 0; i -= 2) keyValue(0x4a, derived[i] as string, derived[i + 1], 0);
  const { attributes } = span;
  for (let i = attributes.length - 2; i >= 0; i -= 2) {
    const key = attributes[i] as string;
    const name = renamed.get(key);
    if (name !== undefined) keyValue(0x4a, name, attributes[i + 1], 0);
    if ((name === undefined || !only) && key !== MAPPED.otlpFlags) keyValue(0x4a, key, attributes[i + 1], 0);
  }
}

function writeEvent({ name, unixUs, attributes, droppedAttributes }: SpanEvent): void {
  countField(0x20, droppedAttributes);
  for (let i = attributes.length - 2; i >= 0; i -= 2) keyValue(0x1a, attributes[i] as string, attributes[i + 1], 0);
  textField(0x12, name);
  fixed64Nanos(unixUs);
  writer.byte(0x09);
}

function writeLink({ traceId: id, spanId: linked, traceState, flags, attributes, droppedAttributes }: SpanLink): void {
  const allFlags = flags | findCount(attributes, MAPPED.otlpFlags);
  if (allFlags !== 0) {
    writer.wordLE(allFlags);
    writer.byte(0x35);
  }
  countField(0x28, droppedAttributes);
  for (let i = attributes.length - 2; i >= 0; i -= 2)
    if (attributes[i] !== MAPPED.otlpFlags) keyValue(0x22, attributes[i] as string, attributes[i + 1], 0);
  textField(0x1a, traceState);
  spanId(0x12, linked);
  traceId(id);
  writer.byte(16);
  writer.byte(0x0a);
}

/** Nanoseconds do not fit a double's 53 bits: multiplied by halves. */
function fixed64Nanos(unixUs: number): void {
  const us = unixUs > 0 ? unixUs : 0;
  const high = Math.floor(us / TWO_TO_32);
  const low = (us - high * TWO_TO_32) * 1000;
  const carry = Math.floor(low / TWO_TO_32);
  writer.wordLE((high * 1000 + carry) | 0);
  writer.wordLE((low - carry * TWO_TO_32) | 0);
}

// --- attributes ---

function keyValue(tag: number, key: string, value: unknown, depth: number): void {
  if (typeof value === 'string' && writer.shortPair(tag, key, value)) return;
  const end = writer.length;
  anyValue(value, depth);
  closeMessage(0x12, end);
  const keyEnd = writer.length;
  writer.text(key);
  closeMessage(0x0a, keyEnd);
  closeMessage(tag, end);
}

function anyValue(value: unknown, depth: number): void {
  switch (typeof value) {
    case 'string':
      textValue(value);
      return;
    case 'number':
      if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
        writer.signedVarint(value);
        writer.byte(0x18);
      } else {
        writer.doubleLE(value);
        writer.byte(0x21);
      }
      return;
    case 'boolean':
      writer.byte(value ? 1 : 0);
      writer.byte(0x10);
      return;
    case 'object':
      if (value !== null) objectValue(value, depth);
      return;
    case 'bigint':
      textValue(String(value));
      return;
    case 'undefined':
    case 'function':
    case 'symbol':
      return; // an AnyValue without a value
  }
}

function textValue(text: string): void {
  const end = writer.length;
  writer.text(text);
  closeMessage(0x0a, end);
}

function objectValue(value: object, depth: number): void {
  if (depth >= MOST_DEPTH) {
    textValue('[too deep]');
    return;
  }
  const end = writer.length;
  if (Array.isArray(value)) {
    for (let i = value.length - 1; i >= 0; i--) {
      const itemEnd = writer.length;
      anyValue(value[i], depth + 1);
      closeMessage(0x0a, itemEnd);
    }
    closeMessage(0x2a, end);
    return;
  }
  const base64 = BYTES_KEY in value ? bytesValueOf(value) : undefined;
  if (base64 !== undefined) {
    writer.raw(Buffer.from(base64, 'base64'));
    closeMessage(0x3a, end);
    return;
  }
  const keys = Object.keys(value);
  for (let i = keys.length - 1; i >= 0; i--)
    keyValue(0x0a, keys[i], (value as Record<string, unknown>)[keys[i]], depth + 1);
  closeMessage(0x32, end);
}
