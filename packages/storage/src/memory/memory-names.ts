import type { SpanData } from '@forge/core';
import type { OperationName, TagValues, TagValuesQuery } from '../contract.ts';
import { tagText } from '../tag-text.ts';

/** Longer values are not offered for choosing. */
const MAX_VALUE_LENGTH = 200;

/** Services, operations and tags of spans, by looking at each. */
export function servicesOf(spans: Iterable<SpanData>): string[] {
  const names = new Set<string>();
  for (const span of spans) names.add(span.origin.serviceName);
  return [...names].sort();
}

export function operationsOf(spans: Iterable<SpanData>, service: string | undefined): OperationName[] {
  const found = new Map<string, OperationName>();
  for (const { origin, name, resource } of spans) {
    if (service === undefined || origin.serviceName === service)
      found.set(JSON.stringify([name, resource]), { name, resource });
  }
  return [...found.values()].sort((a, b) => compareText(a.name, b.name) || compareText(a.resource, b.resource));
}

export function tagKeysOf(spans: Iterable<SpanData>, service: string | undefined): string[] {
  const keys = new Set<string>();
  for (const { origin, attributes } of spans) {
    if (service !== undefined && origin.serviceName !== service) continue;
    for (let i = 0; i < attributes.length; i += 2) keys.add(attributes[i] as string);
  }
  return [...keys].sort();
}

export function tagValuesOf(spans: Iterable<SpanData>, query: TagValuesQuery): TagValues {
  const found = new Set<string>();
  let complete = true;
  for (const { origin, attributes } of spans) {
    if (query.service !== undefined && origin.serviceName !== query.service) continue;
    for (let i = 0; i < attributes.length; i += 2) {
      if (attributes[i] !== query.key) continue;
      const value = attributes[i + 1];
      for (const item of Array.isArray(value) ? value : [value]) {
        if (item === null || item === undefined) continue;
        const text = tagText(item);
        if (text.length > MAX_VALUE_LENGTH) complete = false;
        else if (text.startsWith(query.prefix ?? '')) found.add(text);
      }
    }
  }
  const values = [...found].sort();
  return { values: values.slice(0, query.limit), complete: complete && values.length <= query.limit };
}

export function compareText(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
