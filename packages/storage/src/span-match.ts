import { attributeOf, Status, type SpanData } from '@forge/core';
import type { TraceQuery } from './contract.ts';
import { tagEquals, tagText } from './tag-text.ts';

/** Whether one span meets all of a query's conditions on spans. The definition that every store must agree with. */
export function spanMatches(span: SpanData, query: TraceQuery): boolean {
  if (query.operation !== undefined && span.name !== query.operation && span.resource !== query.operation) return false;
  if (query.service !== undefined && span.origin.serviceName !== query.service) return false;
  if (query.minDurationUs !== undefined && span.durationUs < query.minDurationUs) return false;
  if (query.maxDurationUs !== undefined && span.durationUs > query.maxDurationUs) return false;
  if (query.status !== undefined && (span.status === Status.error) !== (query.status === 'error')) return false;
  if (query.startUnixUs !== undefined && span.startUnixUs < query.startUnixUs) return false;
  if (query.endUnixUs !== undefined && span.startUnixUs >= query.endUnixUs) return false;
  for (const [key, value] of query.tags ?? []) if (!tagEquals(attributeOf(span.attributes, key), value)) return false;
  return query.text === undefined || textMatches(span, query.text.toLowerCase());
}

function textMatches(span: SpanData, lower: string): boolean {
  if (contains(span.name, lower) || contains(span.resource, lower)) return true;
  if (span.statusMessage !== undefined && contains(span.statusMessage, lower)) return true;
  for (let i = 1; i < span.attributes.length; i += 2) if (contains(tagText(span.attributes[i]), lower)) return true;
  return false;
}

function contains(text: string, lower: string): boolean {
  return text.toLowerCase().includes(lower);
}
