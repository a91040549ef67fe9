import {
  attributeOf,
  Status,
  type AttributeList,
  type Origin,
  type SpanData,
  type SpanEvent,
  type SpanLink,
} from '@forge/core';
import { linksToText } from '../model/link-json.ts';
import { MAPPED } from '../model/mapped-keys.ts';
import { isImplied } from '../model/sampling-weight.ts';
import { usualFlags } from '../model/usual-flags.ts';
import { JAEGER, KIND_NAMES, REF_TYPE } from './jaeger-keys.ts';

export interface JaegerReference {
  readonly type: 'CHILD_OF' | 'FOLLOWS_FROM';
  readonly traceId: string;
  readonly spanId: string;
}

/** What a span's tags are in Jaeger: a flat list, keys may repeat. `without`: keys that the caller has a field for. */
export function jaegerTags(span: SpanData, without: readonly string[] = []): unknown[] {
  const { attributes, scope } = span;
  const tags: unknown[] = [];
  const left = [JAEGER.flags, JAEGER.parentRefType, ...without] as readonly string[];
  for (let i = 0; i < attributes.length; i += 2) {
    const key = attributes[i] as string;
    if (attributes[i + 1] !== undefined && !left.includes(key))
      tags.push(originalKey(key, attributes), attributes[i + 1]);
  }
  const kind = KIND_NAMES[span.kind];
  if (kind !== undefined) tags.push(JAEGER.kind, kind);
  putStatus(tags, span);
  if (span.resource !== span.name) tags.push(MAPPED.resource, span.resource);
  if (!isImplied(span.weight, span.traceState)) tags.push(MAPPED.weight, span.weight);
  if (span.traceState !== undefined) tags.push(MAPPED.traceState, span.traceState);
  // Jaeger's own field says whether it was sampled.
  if ((span.flags & ~1) !== (usualFlags(scope) & 2)) tags.push(MAPPED.flags, span.flags);
  if (needsLinkText(span)) tags.push(MAPPED.links, linksToText(span.links));
  if (span.droppedAttributes > 0) tags.push(MAPPED.droppedAttributes, span.droppedAttributes);
  if (span.droppedEvents > 0) tags.push(MAPPED.droppedEvents, span.droppedEvents);
  if (span.droppedLinks > 0) tags.push(MAPPED.droppedLinks, span.droppedLinks);
  if (scope.name !== '') tags.push(MAPPED.scopeName, scope.name);
  if (scope.version !== undefined) tags.push(MAPPED.scopeVersion, scope.version);
  for (let i = 0; i < scope.attributes.length; i += 2)
    tags.push(MAPPED.scopeAttributePrefix + String(scope.attributes[i]), scope.attributes[i + 1]);
  return tags;
}

/** A tag's second value came as `key#2`: see `RepeatedTags`. */
function originalKey(key: string, attributes: AttributeList): string {
  const mark = key.lastIndexOf('#');
  if (mark <= 0 || !/^[2-9]\d*$/.test(key.slice(mark + 1))) return key;
  const base = key.slice(0, mark);
  return attributes.includes(base) && attributeOf(attributes, base) !== undefined ? base : key;
}

/** Jaeger marks a failed span by `error`; OpenTelemetry's own tags stand only where that would be read as something else. */
function putStatus(tags: unknown[], { status, statusMessage, attributes }: SpanData): void {
  const tag = attributeOf(attributes, 'error');
  if (status === Status.ok) tags.push(MAPPED.statusCode, 'OK');
  else if (status === Status.unset && saysError(tag)) tags.push(MAPPED.statusCode, 'UNSET');
  else if (status === Status.error) {
    if (tag === undefined) tags.push('error', true);
    else if (!saysError(tag) || tag === true) tags.push(MAPPED.statusCode, 'ERROR');
  }
  if (statusMessage !== undefined) tags.push(MAPPED.statusDescription, statusMessage);
}

/** Whether the tag `error` means that the span failed. */
export function saysError(value: unknown): boolean {
  return value !== undefined && value !== null && value !== false && value !== 0 && value !== '' && value !== 'false';
}

/** Process tags. */
export function jaegerProcessTags({ nodeId, attributes }: Origin): unknown[] {
  const tags = [...attributes];
  if (nodeId !== undefined) {
    const taken = attributeOf(attributes, 'service.instance.id') !== undefined;
    tags.push(taken ? MAPPED.nodeId : 'service.instance.id', nodeId);
  }
  return tags;
}

/** The fields of a log. */
export function jaegerFields({ name, attributes, droppedAttributes }: SpanEvent): unknown[] {
  const fields: unknown[] = [];
  // A field `event` of the event's own would be taken for the name.
  if (attributeOf(attributes, 'event') !== undefined) fields.push(MAPPED.eventName, name);
  else if (name !== '') fields.push('event', name);
  for (let i = 0; i < attributes.length; i += 2)
    fields.push(originalKey(attributes[i] as string, attributes), attributes[i + 1]);
  if (droppedAttributes > 0) fields.push(MAPPED.droppedAttributes, droppedAttributes);
  return fields;
}

export function jaegerFlags({ flags, attributes }: SpanData): number {
  const all = attributeOf(attributes, JAEGER.flags);
  return typeof all === 'number' ? all | 0 : flags & 1;
}

/** The parent first, then the links. */
export function jaegerReferences(span: SpanData): JaegerReference[] {
  const references: JaegerReference[] = [];
  const { traceId, parentSpanId } = span;
  if (parentSpanId !== undefined) {
    const follows = attributeOf(span.attributes, JAEGER.parentRefType) === 'FOLLOWS_FROM';
    references.push({ type: follows ? 'FOLLOWS_FROM' : 'CHILD_OF', traceId, spanId: parentSpanId });
  }
  for (const link of span.links) {
    const type = attributeOf(link.attributes, REF_TYPE) === 'child_of' ? 'CHILD_OF' : 'FOLLOWS_FROM';
    references.push({ type, traceId: link.traceId, spanId: link.spanId });
  }
  return references;
}

/** Whether references alone do not say all of the links. */
function needsLinkText({ links, traceId, parentSpanId }: SpanData): boolean {
  return links.some((link) => !isPlain(link) || (parentSpanId === undefined && link.traceId === traceId));
}

function isPlain({ traceState, flags, attributes, droppedAttributes }: SpanLink): boolean {
  if (traceState !== undefined || flags !== 0 || droppedAttributes !== 0) return false;
  return (
    attributes.length === 0 || (attributes.length === 2 && attributes[0] === REF_TYPE && attributes[1] === 'child_of')
  );
}
