import { attributesFromObject, attributesToObject, type SpanLink } from '@forge/core';
import { normalSpanId, normalTraceId } from './ids.ts';
import { arrayIn, countIn, objectIn, textIn } from './json-access.ts';
import { jsonText } from './value-text.ts';

/** Links as one text, for formats that have no links, or poorer ones: the value of the tag `forge.links`. */
export function linksToText(links: readonly SpanLink[]): string {
  return jsonText(
    links.map(({ traceId, spanId, traceState, flags, attributes, droppedAttributes }) => ({
      trace_id: traceId,
      span_id: spanId,
      trace_state: traceState,
      flags,
      attributes: attributes.length === 0 ? undefined : attributesToObject(attributes),
      dropped_attributes: droppedAttributes || undefined,
    })),
  );
}

/** The links of such a text; undefined where it is none. */
export function linksFromText(text: string): SpanLink[] | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(parsed)) return undefined;
  const links: SpanLink[] = [];
  for (const item of arrayIn(parsed)) {
    const link = objectIn(item);
    const traceId = normalTraceId(link?.['trace_id']);
    const spanId = normalSpanId(link?.['span_id']);
    if (link === undefined || traceId === undefined || spanId === undefined) return undefined;
    links.push({
      traceId,
      spanId,
      traceState: textIn(link['trace_state']),
      flags: countIn(link['flags']) & 0xff,
      attributes: attributesFromObject(objectIn(link['attributes']) ?? {}),
      droppedAttributes: countIn(link['dropped_attributes']),
    });
  }
  return links;
}
