import { formatError } from './errors.ts';
import { decodeJaegerValue } from './jaeger/decode-json.ts';
import { objectIn } from './model/json-access.ts';
import type { DecodeLimits } from './model/decode-limits.ts';
import type { Decoded } from './model/decoded-span.ts';
import { decodeOtlpValue } from './otlp/decode-json.ts';
import { decodeZipkinValue } from './zipkin/decode.ts';

/** Formats of trace files. */
export type TraceFormat = 'otlp' | 'zipkin' | 'jaeger';

/** Which format a parsed JSON document is of, by its own members; undefined for none. */
export function detectFormat(document: unknown): TraceFormat | undefined {
  if (Array.isArray(document)) {
    const [first] = document as unknown[];
    if (first === undefined) return 'zipkin';
    if (Array.isArray(first)) return first.length === 0 || isZipkinSpan(first[0]) ? 'zipkin' : undefined;
    if (isZipkinSpan(first)) return 'zipkin';
    return isJaegerTrace(first) ? 'jaeger' : undefined;
  }
  const root = objectIn(document);
  if (root === undefined) return undefined;
  if (Array.isArray(root['resourceSpans'] ?? root['resource_spans'])) return 'otlp';
  if (isJaegerTrace(root)) return 'jaeger';
  const { data } = root;
  if (Array.isArray(data)) return data.length === 0 || isJaegerTrace((data as unknown[])[0]) ? 'jaeger' : undefined;
  return isZipkinSpan(root) ? 'zipkin' : undefined;
}

function isZipkinSpan(value: unknown): boolean {
  const span = objectIn(value);
  return span !== undefined && 'traceId' in span && 'id' in span;
}

function isJaegerTrace(value: unknown): boolean {
  const trace = objectIn(value);
  return trace !== undefined && Array.isArray(trace['spans']) && ('traceID' in trace || 'processes' in trace);
}

/** Decodes a parsed document of any of the formats. Throws FORGE_FORMAT_UNKNOWN where it is of none. */
export function decodeAnyValue(document: unknown, limits?: DecodeLimits): Decoded & { readonly format: TraceFormat } {
  const format = detectFormat(document);
  switch (format) {
    case 'otlp':
      return { format, ...parts(decodeOtlpValue(document, limits)) };
    case 'zipkin':
      return { format, ...parts(decodeZipkinValue(Array.isArray(document) ? document : [document], limits)) };
    case 'jaeger':
      return { format, ...parts(decodeJaegerValue(document, limits)) };
    case undefined:
      throw formatError(
        'FORGE_FORMAT_UNKNOWN',
        'neither OTLP JSON (resourceSpans), nor Zipkin JSON (a list of spans), nor the JSON of Jaeger (data, spans, processes)',
      );
  }
}

function parts({ spans, rejected, reason }: Decoded): Decoded {
  return { spans, rejected, reason };
}
