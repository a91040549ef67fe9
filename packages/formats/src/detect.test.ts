import { makeSpan } from '@forge/testing';
import { describe, expect, it } from 'vitest';
import { decodeAnyValue, detectFormat } from './detect.ts';
import { encodeJaegerJson } from './jaeger/encode-json.ts';
import { encodeOtlpJson } from './otlp/encode-json.ts';
import { encodeZipkinJson } from './zipkin/encode.ts';

describe('a document', () => {
  it.each([
    ['otlp', encodeOtlpJson],
    ['zipkin', encodeZipkinJson],
    ['jaeger', encodeJaegerJson],
  ] as const)('of %s is recognized by its content', (format, encode) => {
    const document = JSON.parse(encode([makeSpan({ name: 'x' })])) as unknown;
    expect(detectFormat(document)).toBe(format);
    expect(decodeAnyValue(document)).toMatchObject({ format, spans: [{ name: 'x' }], rejected: 0 });
  });

  it.each([
    ['zipkin', []],
    ['zipkin', [[]]],
    ['zipkin', [[{ traceId: '1', id: '2' }]]],
    ['zipkin', { traceId: '1', id: '2' }],
    ['jaeger', { data: [] }],
    ['jaeger', { traceID: '1', spans: [], processes: {} }],
    ['jaeger', [{ traceID: '1', spans: [] }]],
    ['otlp', { resource_spans: [] }],
  ])('may be %s in the form of %j', (format, document) => {
    expect(detectFormat(document)).toBe(format);
  });

  it.each([[{}], [3], [null], ['x'], [[1]], [[[1]]], [{ data: [{}] }], [{ spans: [] }]])(
    'like %j is of no known format',
    (document) => {
      expect(() => decodeAnyValue(document)).toThrow('neither OTLP JSON (resourceSpans)');
    },
  );
});
