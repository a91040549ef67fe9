import { Buffer } from 'node:buffer';
import { ProtobufReader } from '../bytes/protobuf-reader.ts';
import { ReverseWriter } from '../bytes/reverse-writer.ts';
import { integerIn, objectIn, textIn } from '../model/json-access.ts';

/** What a receiver left out of a request that it otherwise took: OTLP's `ExportTracePartialSuccess`. */
export interface OtlpPartialSuccess {
  readonly rejectedSpans: number;
  readonly message: string;
}

/** gRPC's `google.rpc.Status`, which OTLP over HTTP has as the body of an error too. */
export interface RpcStatus {
  /** A gRPC code: 3 INVALID_ARGUMENT, 8 RESOURCE_EXHAUSTED, 14 UNAVAILABLE, 16 UNAUTHENTICATED. */
  readonly code: number;
  readonly message: string;
  /** `google.rpc.RetryInfo`: when to come again, in milliseconds. */
  readonly retryDelayMs?: number | undefined;
}

const RETRY_INFO = 'type.googleapis.com/google.rpc.RetryInfo';

const writer = new ReverseWriter(1024);

function text(tag: number, value: string): void {
  const end = writer.length;
  writer.text(value);
  writer.varint(writer.length - end);
  writer.byte(tag);
}

function close(tag: number, end: number): void {
  writer.varint(writer.length - end);
  writer.byte(tag);
}

/** An `ExportTraceServiceResponse`; empty where everything was taken. */
export function encodeOtlpResponse(partial?: OtlpPartialSuccess): Uint8Array<ArrayBuffer> {
  writer.reset();
  if (partial !== undefined) {
    if (partial.message !== '') text(0x12, partial.message);
    if (partial.rejectedSpans > 0) {
      writer.varint(partial.rejectedSpans);
      writer.byte(0x08);
    }
    close(0x0a, 0);
  }
  return writer.take();
}

/** The partial success of a response, where it holds one; undefined too for what is no response. */
export function decodeOtlpResponse(bytes: Uint8Array): OtlpPartialSuccess | undefined {
  let found: OtlpPartialSuccess | undefined;
  try {
    const reader = new ProtobufReader(bytes);
    const end = reader.length;
    while (reader.position < end) {
      const tag = reader.tag(end);
      if (tag === 0x0a) found = partialSuccess(reader, reader.lengthDelimited(end));
      else reader.skip(tag, end);
    }
  } catch {
    return undefined;
  }
  return found;
}

function partialSuccess(reader: ProtobufReader, end: number): OtlpPartialSuccess {
  let rejectedSpans = 0;
  let message = '';
  while (reader.position < end) {
    const tag = reader.tag(end);
    if (tag === 0x08) rejectedSpans = Math.max(0, Number(reader.int64(end)));
    else if (tag === 0x12) message = reader.text(end);
    else reader.skip(tag, end);
  }
  return { rejectedSpans, message };
}

/** The same of a response in JSON. */
export function decodeOtlpJsonResponse(body: string): OtlpPartialSuccess | undefined {
  try {
    const partial = objectIn(objectIn(JSON.parse(body))?.['partialSuccess']);
    if (partial === undefined) return undefined;
    return {
      rejectedSpans: Math.max(0, integerIn(partial['rejectedSpans']) ?? 0),
      message: textIn(partial['errorMessage']) ?? '',
    };
  } catch {
    return undefined;
  }
}

export function encodeRpcStatus({ code, message, retryDelayMs }: RpcStatus): Uint8Array<ArrayBuffer> {
  writer.reset();
  if (retryDelayMs !== undefined) {
    const seconds = Math.floor(retryDelayMs / 1000);
    const nanos = Math.round((retryDelayMs - seconds * 1000) * 1e6);
    // Any { type_url, value: RetryInfo { retry_delay: Duration { seconds, nanos } } }
    if (nanos > 0) {
      writer.varint(nanos);
      writer.byte(0x10);
    }
    if (seconds > 0) {
      writer.varint(seconds);
      writer.byte(0x08);
    }
    close(0x0a, 0);
    close(0x12, 0);
    text(0x0a, RETRY_INFO);
    close(0x1a, 0);
  }
  if (message !== '') text(0x12, message);
  writer.varint(code);
  writer.byte(0x08);
  return writer.take();
}

/** Undefined for what is no such message. */
export function decodeRpcStatus(bytes: Uint8Array): RpcStatus | undefined {
  let code = 0;
  let message = '';
  let retryDelayMs: number | undefined;
  try {
    const reader = new ProtobufReader(bytes);
    const end = reader.length;
    while (reader.position < end) {
      const tag = reader.tag(end);
      if (tag === 0x08) code = reader.varint(end);
      else if (tag === 0x12) message = reader.text(end);
      else if (tag === 0x1a) retryDelayMs = retryInfo(reader, reader.lengthDelimited(end)) ?? retryDelayMs;
      else reader.skip(tag, end);
    }
  } catch {
    return undefined;
  }
  return { code, message, retryDelayMs };
}

function retryInfo(reader: ProtobufReader, end: number): number | undefined {
  let type = '';
  let value = '';
  while (reader.position < end) {
    const tag = reader.tag(end);
    if (tag === 0x0a) type = reader.text(end);
    else if (tag === 0x12) value = reader.base64(end);
    else reader.skip(tag, end);
  }
  if (!type.endsWith('/google.rpc.RetryInfo')) return undefined;
  const inner = new ProtobufReader(Buffer.from(value, 'base64'));
  let delayMs = 0;
  while (inner.position < inner.length) {
    const tag = inner.tag(inner.length);
    if (tag === 0x0a) delayMs = durationMs(inner, inner.lengthDelimited(inner.length));
    else inner.skip(tag, inner.length);
  }
  return delayMs;
}

function durationMs(reader: ProtobufReader, end: number): number {
  let ms = 0;
  while (reader.position < end) {
    const tag = reader.tag(end);
    if (tag === 0x08) ms += reader.varint(end) * 1000;
    else if (tag === 0x10) ms += reader.varint(end) / 1e6;
    else reader.skip(tag, end);
  }
  return ms;
}
