/**
 * OTLP, Zipkin, Jaeger and Chrome's trace format to and from `SpanData`, without loss where both sides can say a thing:
 * what a format has no field for travels in tags (docs/formats.md) and comes back.
 *
 * @example
 * const { spans } = decodeZipkinJson(body);
 * const bytes = encodeOtlpProtobuf(spans);
 *
 * @module
 */
export { encodeChromeTrace } from './chrome/encode.ts';
export { decodeAnyValue, detectFormat, type TraceFormat } from './detect.ts';
export type { FormatErrorCode } from './errors.ts';
export { decodeJaegerJson } from './jaeger/decode-json.ts';
export { decodeJaegerThrift } from './jaeger/decode-thrift.ts';
export { encodeJaegerJson } from './jaeger/encode-json.ts';
export { encodeJaegerThrift, type JaegerBatch } from './jaeger/encode-thrift.ts';
export type { DecodeLimits } from './model/decode-limits.ts';
export type { Decoded } from './model/decoded-span.ts';
export { decodeOtlpJson } from './otlp/decode-json.ts';
export { decodeOtlpProtobuf } from './otlp/decode-protobuf.ts';
export { encodeOtlpJson } from './otlp/encode-json.ts';
export {
  createOtlpEncoder,
  encodeOtlpProtobuf,
  type OtlpEncodeOptions,
  type OtlpEncoder,
} from './otlp/encode-protobuf.ts';
export {
  decodeOtlpJsonResponse,
  decodeOtlpResponse,
  decodeRpcStatus,
  encodeOtlpResponse,
  encodeRpcStatus,
} from './otlp/service-messages.ts';
export type { SemconvMode } from './otlp/semantic-conventions.ts';
export { decodeSpans, encodeSpans } from './spans/span-codec.ts';
export { decodeZipkinJson } from './zipkin/decode.ts';
export { encodeZipkinJson } from './zipkin/encode.ts';
