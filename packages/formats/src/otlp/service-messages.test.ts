import protobuf from 'protobufjs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  decodeOtlpJsonResponse,
  decodeOtlpResponse,
  decodeRpcStatus,
  encodeOtlpResponse,
  encodeRpcStatus,
} from './service-messages.ts';

const root = protobuf.loadSync(fileURLToPath(new URL('../../test/fixtures/otlp.proto', import.meta.url)));
const Response = root.lookupType('otlp.ExportTraceServiceResponse');

describe('the answer to an OTLP request', () => {
  it('is empty where everything was taken', () => {
    expect(encodeOtlpResponse()).toHaveLength(0);
    expect(decodeOtlpResponse(new Uint8Array())).toBeUndefined();
  });

  it('says what was left out, as the official message has it', () => {
    const partial = { rejectedSpans: 300, message: 'too old' };
    const bytes = encodeOtlpResponse(partial);
    expect(Response.toObject(Response.decode(bytes), { longs: Number })).toEqual({
      partialSuccess: { rejectedSpans: 300, errorMessage: 'too old' },
    });
    expect(decodeOtlpResponse(bytes)).toEqual(partial);
    expect(decodeOtlpJsonResponse('{"partialSuccess":{"rejectedSpans":"300","errorMessage":"too old"}}')).toEqual(
      partial,
    );
  });

  it.each(['', '{}', '[]', 'no JSON', '{"partialSuccess":3}'])('may say nothing: %j', (body) => {
    expect(decodeOtlpJsonResponse(body)).toBeUndefined();
  });

  it('is nothing where the bytes are none', () => {
    expect(decodeOtlpResponse(Buffer.from('ff', 'hex'))).toBeUndefined();
    expect(decodeRpcStatus(Buffer.from('0aff', 'hex'))).toBeUndefined();
  });
});

describe("gRPC's status", () => {
  it.each([
    { code: 8, message: 'full', retryDelayMs: 1500 },
    { code: 14, message: '', retryDelayMs: 0 },
    { code: 3, message: 'bad', retryDelayMs: undefined },
  ])('is read as it was written: %j', (status) => {
    expect(decodeRpcStatus(encodeRpcStatus(status))).toEqual(status);
  });

  it('is read where protobufjs wrote it', () => {
    const types = protobuf.parse(
      `syntax = "proto3"; message Status { int32 code = 1; string message = 2; repeated Any details = 3; }
       message Any { string type_url = 1; bytes value = 2; } message RetryInfo { Duration retry_delay = 1; }
       message Duration { int64 seconds = 1; int32 nanos = 2; }`,
    ).root;
    const info = types
      .lookupType('RetryInfo')
      .encode({ retryDelay: { seconds: 2, nanos: 500_000_000 } })
      .finish();
    const details = [
      { typeUrl: 'type.googleapis.com/google.rpc.DebugInfo' },
      { typeUrl: 'type.googleapis.com/google.rpc.RetryInfo', value: info },
    ];
    const bytes = types.lookupType('Status').encode({ code: 8, message: 'slow down', details }).finish();
    expect(decodeRpcStatus(bytes)).toEqual({ code: 8, message: 'slow down', retryDelayMs: 2500 });
  });
});
