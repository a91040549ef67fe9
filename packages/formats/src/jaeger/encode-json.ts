import type { SpanData } from '@forge/core';
import { attributeOf } from '@forge/core';
import { BYTES_KEY, bytesValueOf } from '../model/mapped-keys.ts';
import { groupSpans } from '../model/span-groups.ts';
import { wellFormed } from '../model/text.ts';
import { jsonText } from '../model/value-text.ts';
import { JAEGER } from './jaeger-keys.ts';
import { jaegerFields, jaegerFlags, jaegerProcessTags, jaegerReferences, jaegerTags } from './span-to-jaeger.ts';

type Json = Record<string, unknown>;

/** The JSON of Jaeger's UI and its query API (`GET /api/traces/ID`), which its "JSON File" upload takes. */
export function encodeJaegerJson(spans: readonly SpanData[]): string {
  const traces = new Map<string, SpanData[]>();
  for (const span of spans) {
    const trace = traces.get(span.traceId);
    if (trace === undefined) traces.set(span.traceId, [span]);
    else trace.push(span);
  }
  const data = [...traces].map(([traceId, all]) => traceOf(traceId, all));
  return JSON.stringify({ data, total: 0, limit: 0, offset: 0, errors: null });
}

function traceOf(traceID: string, all: readonly SpanData[]): Json {
  const processes: Record<string, Json> = {};
  const spans: Json[] = [];
  for (const [i, { origin, scopes }] of groupSpans(all).entries()) {
    const processID = `p${i + 1}`;
    processes[processID] = { serviceName: wellFormed(origin.serviceName), tags: tagsOf(jaegerProcessTags(origin)) };
    for (const group of scopes) for (const span of group.spans) spans.push(spanOf(span, processID));
  }
  return { traceID, spans, processes, warnings: null };
}

function spanOf(span: SpanData, processID: string): Json {
  const warnings = attributeOf(span.attributes, JAEGER.warnings);
  return {
    traceID: span.traceId,
    spanID: span.spanId,
    flags: jaegerFlags(span),
    operationName: wellFormed(span.name),
    references: jaegerReferences(span).map(({ type, traceId, spanId }) => ({
      refType: type,
      traceID: traceId,
      spanID: spanId,
    })),
    startTime: span.startUnixUs,
    duration: span.durationUs,
    tags: tagsOf(jaegerTags(span, [JAEGER.warnings])),
    logs: span.events.map((event) => ({ timestamp: event.unixUs, fields: tagsOf(jaegerFields(event)) })),
    processID,
    warnings: Array.isArray(warnings) ? (warnings as unknown[]) : null,
  };
}

function tagsOf(list: readonly unknown[]): Json[] {
  const tags: Json[] = [];
  for (let i = 0; i < list.length; i += 2)
    tags.push({ key: wellFormed(list[i] as string), ...typedValue(list[i + 1]) });
  return tags;
}

function typedValue(value: unknown): Json {
  if (typeof value === 'string') return { type: 'string', value: wellFormed(value) };
  if (typeof value === 'boolean') return { type: 'bool', value };
  if (typeof value === 'number') {
    if (Object.is(value, -0)) return { type: 'float64', value: '-0' };
    if (Number.isSafeInteger(value)) return { type: 'int64', value };
    return { type: 'float64', value: Number.isFinite(value) ? value : String(value) };
  }
  const base64 = typeof value === 'object' && value !== null && BYTES_KEY in value ? bytesValueOf(value) : undefined;
  return base64 === undefined ? { type: 'string', value: jsonText(value) } : { type: 'binary', value: base64 };
}
