import type { AttributeList, SpanData } from '@forge/core';
import { valueText } from '../src/model/value-text.ts';

/** What becomes of a tag's value on the way. */
export type ValueForm = (value: unknown) => unknown;

/** OTLP keeps every value. */
export const asIs: ValueForm = (value) => value;

/** Zipkin's tags are text. */
export const asText: ValueForm = (value) => valueText(value);

/** Jaeger's tags are primitives or bytes. */
export const asPrimitive: ValueForm = (value) =>
  typeof value === 'object' && !(value !== null && '@bytes' in value) ? valueText(value) : value;

/** A span as a plain object whose members are in a fixed order, for comparing: lists of tags are sorted by key. */
export function comparable(span: SpanData, form: ValueForm, eventForm: ValueForm = form): unknown {
  const list = (attributes: AttributeList, valueForm: ValueForm): unknown[] => {
    const pairs: [string, unknown][] = [];
    for (let i = 0; i < attributes.length; i += 2) pairs.push([attributes[i] as string, valueForm(attributes[i + 1])]);
    return pairs.sort(([a], [b]) => (a < b ? -1 : 1));
  };
  return {
    ...span,
    attributes: list(span.attributes, form),
    origin: { ...span.origin, attributes: list(span.origin.attributes, form) },
    scope: { ...span.scope, attributes: list(span.scope.attributes, form) },
    events: span.events.map((event) => ({ ...event, attributes: list(event.attributes, eventForm) })),
    links: span.links.map((link) => ({ ...link, attributes: list(link.attributes, jsonForm) })),
  };
}

/** What remains of a value that travels in JSON: no NaN, no negative zero. */
export const jsonForm: ValueForm = (value) =>
  JSON.parse(
    JSON.stringify(value, (_key, item: unknown) =>
      typeof item === 'number' && !Number.isFinite(item) ? String(item) : item,
    ),
  );
