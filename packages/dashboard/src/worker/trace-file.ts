import type { SpanData } from '@forge/core';
import {
  decodeAnyValue,
  encodeChromeTrace,
  encodeJaegerJson,
  encodeOtlpJson,
  encodeZipkinJson,
  type Decoded,
} from '@forge/formats';
import { tracesFromSpans, type SpanFileTrace } from '../model/table-from-spans.ts';

/** Formats that a trace can be saved in. */
export const FILE_FORMATS = {
  otlp: encodeOtlpJson,
  zipkin: encodeZipkinJson,
  jaeger: encodeJaegerJson,
  chrome: encodeChromeTrace,
} satisfies Record<string, (spans: readonly SpanData[]) => string>;

export interface TraceFile {
  readonly traces: SpanFileTrace[];
  /** Members that are no spans, and why the first was left out. */
  readonly rejected: number;
  readonly reason: string | undefined;
}

/**
 * Reads a file of traces: OTLP, Zipkin or Jaeger JSON, one document or one a line.
 * @throws Error that says what is wrong with the file
 */
export function readTraceFile(bytes: Uint8Array): TraceFile {
  const text = new TextDecoder().decode(bytes);
  const spans: SpanData[] = [];
  let rejected = 0;
  let reason: string | undefined;
  for (const document of documentsOf(text)) {
    const decoded: Decoded = decodeAnyValue(document);
    for (const span of decoded.spans) spans.push(span);
    rejected += decoded.rejected;
    reason ??= decoded.reason;
  }
  return { traces: tracesFromSpans(spans), rejected, reason };
}

function documentsOf(text: string): unknown[] {
  try {
    return [JSON.parse(text)];
  } catch (error) {
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    if (lines.length < 2) throw error;
    try {
      return lines.map((line) => JSON.parse(line) as unknown);
    } catch {
      throw error;
    }
  }
}
