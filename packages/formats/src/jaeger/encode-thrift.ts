import type { SpanData } from '@forge/core';
import { Buffer } from 'node:buffer';
import { ReverseWriter } from '../bytes/reverse-writer.ts';
import { BYTES_KEY, bytesValueOf } from '../model/mapped-keys.ts';
import { groupSpans } from '../model/span-groups.ts';
import { jsonText } from '../model/value-text.ts';
import {
  jaegerFields,
  jaegerFlags,
  jaegerProcessTags,
  jaegerReferences,
  jaegerTags,
  type JaegerReference,
} from './span-to-jaeger.ts';

/** One Thrift `Batch`: the spans of one process. */
export interface JaegerBatch {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly spans: number;
}

const writer = new ReverseWriter(4096);

// Thrift's types, and those of jaeger.thrift's Tag.
const [BOOL, DOUBLE, I32, I64, TEXT, STRUCT, LIST] = [2, 4, 8, 10, 11, 12, 15];
const TAG = { string: 0, double: 1, bool: 2, long: 3, binary: 4 } as const;

/**
 * Batches in Thrift's binary protocol, one for each process: what `POST /api/traces` of port 14268 takes.
 * https://github.com/jaegertracing/jaeger-idl/blob/main/thrift/jaeger.thrift
 */
export function encodeJaegerThrift(spans: readonly SpanData[]): JaegerBatch[] {
  return groupSpans(spans).map(({ origin, scopes }) => {
    const all = scopes.flatMap((group) => group.spans);
    writer.reset();
    writer.byte(0);
    list(2, STRUCT, all.length, (i) => writeSpan(all[i]));
    const tags = jaegerProcessTags(origin);
    writer.byte(0);
    if (tags.length > 0) tagList(2, tags);
    textField(1, origin.serviceName);
    field(STRUCT, 1);
    return { bytes: writer.take(), spans: all.length };
  });
}

// Everything is written from the end: a struct's stop byte first, its first field last, a field's header after its value.

function field(type: number, id: number): void {
  writer.byte(id);
  writer.byte(0);
  writer.byte(type);
}

function textField(id: number, text: string): void {
  const end = writer.length;
  writer.text(text);
  writer.wordBE(writer.length - end);
  field(TEXT, id);
}

function i64Field(id: number, value: number): void {
  writer.int64BE(value);
  field(I64, id);
}

function i32Field(id: number, value: number): void {
  writer.wordBE(value);
  field(I32, id);
}

function idField(id: number, digits: string): void {
  writer.hex(digits);
  field(I64, id);
}

function list(id: number, type: number, length: number, writeItem: (i: number) => void): void {
  for (let i = length - 1; i >= 0; i--) writeItem(i);
  writer.wordBE(length);
  writer.byte(type);
  field(LIST, id);
}

function tagList(id: number, tags: readonly unknown[]): void {
  list(id, STRUCT, tags.length / 2, (i) => writeTag(tags[2 * i] as string, tags[2 * i + 1]));
}

const NO_ID = '0000000000000000';

function writeSpan(span: SpanData): void {
  const { traceId, events } = span;
  const references = jaegerReferences(span);
  writer.byte(0);
  if (events.length > 0)
    list(11, STRUCT, events.length, (i) => {
      writer.byte(0);
      tagList(2, jaegerFields(events[i]));
      i64Field(1, events[i].unixUs);
    });
  const tags = jaegerTags(span);
  if (tags.length > 0) tagList(10, tags);
  i64Field(9, span.durationUs);
  i64Field(8, span.startUnixUs);
  i32Field(7, jaegerFlags(span));
  if (references.length > 0) list(6, STRUCT, references.length, (i) => writeReference(references[i]));
  textField(5, span.name);
  idField(4, span.parentSpanId ?? NO_ID);
  idField(3, span.spanId);
  idField(2, traceId.length > 16 ? traceId.slice(0, 16) : NO_ID);
  idField(1, traceId.slice(-16));
}

function writeReference({ type, traceId, spanId }: JaegerReference): void {
  writer.byte(0);
  idField(4, spanId);
  idField(3, traceId.length > 16 ? traceId.slice(0, 16) : NO_ID);
  idField(2, traceId.slice(-16));
  i32Field(1, type === 'CHILD_OF' ? 0 : 1);
}

function writeTag(key: string, value: unknown): void {
  writer.byte(0);
  i32Field(2, writeTagValue(value));
  textField(1, key);
}

/** Returns the tag's type. */
function writeTagValue(value: unknown): number {
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
      i64Field(6, value);
      return TAG.long;
    }
    writer.doubleBE(value);
    field(DOUBLE, 4);
    return TAG.double;
  }
  if (typeof value === 'boolean') {
    writer.byte(value ? 1 : 0);
    field(BOOL, 5);
    return TAG.bool;
  }
  const base64 = typeof value === 'object' && value !== null && BYTES_KEY in value ? bytesValueOf(value) : undefined;
  if (base64 !== undefined) {
    const bytes = Buffer.from(base64, 'base64');
    writer.raw(bytes);
    writer.wordBE(bytes.length);
    field(TEXT, 7);
    return TAG.binary;
  }
  textField(3, typeof value === 'string' ? value : jsonText(value));
  return TAG.string;
}
