import { attributesFromObject, attributesToObject, type AttributeList, type SpanEvent } from '@forge/core';
import { MAPPED } from '../model/mapped-keys.ts';
import { countIn, objectIn } from '../model/json-access.ts';
import { wellFormed } from '../model/text.ts';
import { jsonText } from '../model/value-text.ts';

// As OpenTelemetry's Zipkin exporters write an event with attributes: "name": {"key":"value"}
const WITH_ATTRIBUTES = /^("(?:[^"\\]|\\.)*"): (\{.*\})$/s;

/** An event as the text of an annotation: its name alone, where it has no attributes. */
export function annotationText({ name, attributes, droppedAttributes }: SpanEvent): string {
  if (attributes.length === 0 && droppedAttributes === 0 && !WITH_ATTRIBUTES.test(name)) return wellFormed(name);
  const list: AttributeList =
    droppedAttributes === 0 ? attributes : [...attributes, MAPPED.droppedAttributes, droppedAttributes];
  return `${jsonText(name)}: ${jsonText(attributesToObject(list))}`;
}

export function eventOfAnnotation(unixUs: number, text: string): SpanEvent {
  const parts = WITH_ATTRIBUTES.exec(text);
  if (parts === null) return { name: text, unixUs, attributes: [], droppedAttributes: 0 };
  try {
    const name = JSON.parse(parts[1]) as string;
    const { [MAPPED.droppedAttributes]: dropped, ...attributes } = objectIn(JSON.parse(parts[2])) ?? {};
    return { name, unixUs, attributes: attributesFromObject(attributes), droppedAttributes: countIn(dropped) };
  } catch {
    return { name: text, unixUs, attributes: [], droppedAttributes: 0 };
  }
}
