import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { comparable, asPrimitive, asText, asIs } from '../test/comparable.ts';
import { decodeAnyValue } from './detect.ts';
import { decodeJaegerJson } from './jaeger/decode-json.ts';
import { encodeJaegerJson } from './jaeger/encode-json.ts';
import { decodeOtlpJson } from './otlp/decode-json.ts';
import { decodeOtlpProtobuf } from './otlp/decode-protobuf.ts';
import { encodeOtlpJson } from './otlp/encode-json.ts';
import { encodeOtlpProtobuf } from './otlp/encode-protobuf.ts';
import { decodeZipkinJson } from './zipkin/decode.ts';
import { encodeZipkinJson } from './zipkin/encode.ts';

const folder = [process.env['FORGE_SHARED_TRACES'], join(import.meta.dirname, '../../../../shared/traces')]
  .filter((path) => path !== undefined)
  .find((path) => existsSync(join(path, 'otlp-example.json')));
const missing = folder === undefined ? ' (missing here: set FORGE_SHARED_TRACES to their folder)' : '';

// Spans by a plain count of the documents' own members.
const FILES = [
  { file: 'jaeger-deathstarbench-20-traces.json', format: 'jaeger', spans: 660, traces: 20 },
  { file: 'otlp-example.json', format: 'otlp', spans: 1, traces: 1 },
  { file: 'zipkin-ascend.json', format: 'zipkin', spans: 8, traces: 1 },
  { file: 'zipkin-messaging-kafka.json', format: 'zipkin', spans: 28, traces: 1 },
  { file: 'zipkin-simple-db-p6.json', format: 'zipkin', spans: 5, traces: 1 },
  { file: 'zipkin-smartthings-oauth-authorization.json', format: 'zipkin', spans: 175, traces: 1 },
];

describe.skipIf(folder === undefined).each(FILES)(`$file${missing}`, ({ file, format, spans: count, traces }) => {
  const document = () => JSON.parse(readFileSync(join(folder!, file), 'utf8')) as unknown;

  it('is recognized and read completely, each span under an id of its own', () => {
    const { format: found, spans, rejected } = decodeAnyValue(document());
    expect({ found, rejected }).toEqual({ found: format, rejected: 0 });
    expect(spans).toHaveLength(count);
    expect(new Set(spans.map(({ traceId, spanId }) => traceId + spanId)).size).toBe(count);
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(traces);
    for (const span of spans) expect(span.startUnixUs).toBeGreaterThan(Date.UTC(2015) * 1000);
  });

  it('has the parent of every span that names one, but for those that are not in the file', () => {
    const { spans } = decodeAnyValue(document());
    const ids = new Set(spans.map(({ traceId, spanId }) => traceId + spanId));
    const orphans = spans.filter(
      ({ traceId, parentSpanId }) => parentSpanId !== undefined && !ids.has(traceId + parentSpanId),
    );
    expect(orphans.length).toBeLessThanOrEqual(1);
  });

  it('is the same after a round trip through every format', () => {
    const { spans } = decodeAnyValue(document());
    const sorted = (list: typeof spans) => [...list].sort((a, b) => (a.spanId < b.spanId ? -1 : 1));
    const expected = (form: typeof asIs) => sorted(spans).map((span) => comparable(span, form));
    const actual = (list: typeof spans, form: typeof asIs) => sorted(list).map((span) => comparable(span, form));
    expect(actual(decodeOtlpProtobuf(encodeOtlpProtobuf(spans)).spans, asIs)).toEqual(expected(asIs));
    expect(actual(decodeOtlpJson(encodeOtlpJson(spans)).spans, asIs)).toEqual(expected(asIs));
    expect(actual(decodeJaegerJson(encodeJaegerJson(spans)).spans, asPrimitive)).toEqual(expected(asPrimitive));
    expect(actual(decodeZipkinJson(encodeZipkinJson(spans)).spans, asText)).toEqual(expected(asText));
  });
});

const zipkinFiles = FILES.filter(({ format }) => format === 'zipkin');

describe.skipIf(folder === undefined).each(zipkinFiles)(`$file${missing}`, ({ file }) => {
  it('is written back as it came', () => {
    // Some of its addresses are none, by a leading zero: those stay tags.
    const text = readFileSync(join(folder!, file), 'utf8').replaceAll(/\.0(\d)"/g, '.$1"');
    const { spans } = decodeZipkinJson(text);
    expect(sortedJson(JSON.parse(encodeZipkinJson(spans)) as object[])).toEqual(
      sortedJson(JSON.parse(text) as object[]),
    );
  });
});

/** Spans and their members in order. */
function sortedJson(spans: readonly object[]): string[] {
  return spans.map((span) => JSON.stringify(ordered(span))).sort();
}

function ordered(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return Array.isArray(value) ? value.map(ordered) : value;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, item]) => [key, ordered(item)]));
}
