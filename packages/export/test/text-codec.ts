import type { SpanData } from '@forge/core';

/** Spans as JSON: the spool does not care. */
export const textCodec = {
  encode: (spans: readonly SpanData[]): Uint8Array => Buffer.from(JSON.stringify(spans)),
  decode: (bytes: Uint8Array): SpanData[] => JSON.parse(Buffer.from(bytes).toString()) as SpanData[],
};
