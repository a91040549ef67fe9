import type { SpanData } from '@forge/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitrarySpan } from '../test/arbitrary-span.ts';
import { asText, comparable, jsonForm, type ValueForm } from '../test/comparable.ts';
import { decodeJaegerJson } from './jaeger/decode-json.ts';
import { decodeJaegerThrift } from './jaeger/decode-thrift.ts';
import { encodeJaegerJson } from './jaeger/encode-json.ts';
import { encodeJaegerThrift } from './jaeger/encode-thrift.ts';
import { decodeOtlpJson } from './otlp/decode-json.ts';
import { decodeOtlpProtobuf } from './otlp/decode-protobuf.ts';
import { encodeOtlpJson } from './otlp/encode-json.ts';
import { encodeOtlpProtobuf } from './otlp/encode-protobuf.ts';
import { decodeZipkinJson } from './zipkin/decode.ts';
import { encodeZipkinJson } from './zipkin/encode.ts';

const THROUGH: Readonly<Record<string, (spans: readonly SpanData[]) => readonly SpanData[]>> = {
  'OTLP protobuf': (spans) => decodeOtlpProtobuf(encodeOtlpProtobuf(spans)).spans,
  'OTLP JSON': (spans) => decodeOtlpJson(encodeOtlpJson(spans)).spans,
  'Zipkin JSON': (spans) => decodeZipkinJson(encodeZipkinJson(spans)).spans,
  'Jaeger Thrift': (spans) => encodeJaegerThrift(spans).flatMap(({ bytes }) => decodeJaegerThrift(bytes).spans),
  'Jaeger JSON': (spans) => decodeJaegerJson(encodeJaegerJson(spans)).spans,
};

const PAIRS = Object.keys(THROUGH).flatMap((first) => Object.keys(THROUGH).map((second) => [first, second] as const));

// What every format can say of a value: its text. Events keep their types everywhere but in Jaeger, where lists are text.
const eventText: ValueForm = (value) => asText(jsonForm(value));

describe('a span through two formats', () => {
  it.each(PAIRS)('%s, then %s, is the same span', (first, second) => {
    fc.assert(
      fc.property(arbitrarySpan, (span) => {
        // Zipkin has each annotation once, and no tag but text.
        const start = { ...span, events: span.events.slice(0, 1) };
        const [end] = THROUGH[second](THROUGH[first]([start]));
        expect(comparable(end, asText, eventText)).toEqual(comparable(start, asText, eventText));
      }),
      { numRuns: 25 },
    );
  });
});
