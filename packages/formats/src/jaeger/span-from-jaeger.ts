import { attributeOf, type Kind, type Origin, type Scope, type SpanEvent, type SpanLink } from '@forge/core';
import { DecodedSpan, take, takeCount, takeText } from '../model/decoded-span.ts';
import { linksFromText } from '../model/link-json.ts';
import { MAPPED, UNKNOWN_SERVICE } from '../model/mapped-keys.ts';
import { usualFlags } from '../model/usual-flags.ts';
import { JAEGER, KIND_NAMES, REF_TYPE } from './jaeger-keys.ts';
import { saysError, type JaegerReference } from './span-to-jaeger.ts';

/** A span as either of Jaeger's formats has it; ids are normal already. */
export interface JaegerSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Of the Thrift struct's own field. */
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly references: readonly JaegerReference[];
  readonly flags: number;
  readonly startUnixUs: number;
  readonly durationUs: number;
  readonly tags: unknown[];
  readonly events: readonly SpanEvent[];
  readonly warnings: readonly unknown[];
}

/**
 * Tags as Jaeger has them, where a key may come twice: the same value is kept once, a different one as `key#2`,
 * which `jaegerTags` turns back.
 */
export class RepeatedTags {
  readonly list: unknown[] = [];
  readonly #values = new Map<string, unknown>();

  add(key: string, value: unknown): void {
    let name = key;
    for (let i = 2; this.#values.has(name); i++) {
      if (Object.is(this.#values.get(name), value)) return;
      name = `${key}#${i}`;
    }
    this.#values.set(name, value);
    this.list.push(name, value);
  }
}

export function originOfProcess(serviceName: string, tags: unknown[]): Origin {
  const nodeId = takeText(tags, MAPPED.nodeId) ?? takeText(tags, 'service.instance.id');
  return { serviceName: serviceName === '' ? UNKNOWN_SERVICE : serviceName, nodeId, attributes: tags };
}

export function eventOfFields(unixUs: number, fields: unknown[]): SpanEvent {
  const name = takeText(fields, MAPPED.eventName) ?? takeText(fields, 'event') ?? '';
  const droppedAttributes = takeCount(fields, MAPPED.droppedAttributes) ?? 0;
  return { name, unixUs, attributes: fields, droppedAttributes };
}

/** Makes the spans of one document: scopes are shared among them. */
export class JaegerSpans {
  readonly #scopes = new Map<string, Scope>();

  make(jaeger: JaegerSpan, origin: Origin): DecodedSpan {
    const { tags } = jaeger;
    const span = new DecodedSpan(origin, this.#scope(tags));
    span.traceId = jaeger.traceId;
    span.spanId = jaeger.spanId;
    span.name = jaeger.name;
    span.startUnixUs = jaeger.startUnixUs;
    span.durationUs = Math.max(0, jaeger.durationUs);
    span.events = jaeger.events;
    readReferences(span, jaeger);
    readStatus(span, tags);
    const kind = attributeOf(tags, JAEGER.kind);
    const code = KIND_NAMES.indexOf(kind as undefined);
    if (code > 0) {
      span.kind = code as Kind;
      take(tags, JAEGER.kind);
    }
    span.traceState = takeText(tags, MAPPED.traceState);
    span.flags = (takeCount(tags, MAPPED.flags) ?? (jaeger.flags & 1) | (usualFlags(span.scope) & 2)) & 0xff;
    if ((jaeger.flags & ~1) !== 0) tags.push(JAEGER.flags, jaeger.flags);
    span.droppedAttributes = takeCount(tags, MAPPED.droppedAttributes) ?? 0;
    span.droppedEvents = takeCount(tags, MAPPED.droppedEvents) ?? 0;
    span.droppedLinks = takeCount(tags, MAPPED.droppedLinks) ?? 0;
    if (jaeger.warnings.length > 0) tags.push(JAEGER.warnings, [...jaeger.warnings]);
    return span.finish(tags);
  }

  #scope(tags: unknown[]): Scope {
    const name = takeText(tags, MAPPED.scopeName) ?? '';
    const version = takeText(tags, MAPPED.scopeVersion);
    const attributes: unknown[] = [];
    for (let i = 0; i < tags.length;) {
      const key = tags[i] as string;
      if (key.startsWith(MAPPED.scopeAttributePrefix)) {
        const [, value] = tags.splice(i, 2);
        attributes.push(key.slice(MAPPED.scopeAttributePrefix.length), value);
      } else i += 2;
    }
    const scope: Scope = { name, version, attributes };
    const key = JSON.stringify(scope);
    const known = this.#scopes.get(key);
    if (known === undefined) this.#scopes.set(key, scope);
    return known ?? scope;
  }
}

/** See `putStatus` of the encoder. */
function readStatus(span: DecodedSpan, tags: unknown[]): void {
  const code = takeText(tags, MAPPED.statusCode)?.toUpperCase();
  span.statusMessage = takeText(tags, MAPPED.statusDescription);
  const error = attributeOf(tags, 'error');
  const failed = saysError(error);
  span.status = code === 'OK' ? 1 : code === 'ERROR' ? 2 : code === 'UNSET' ? 0 : failed ? 2 : 0;
  if (span.status === 2 && error === true && code === undefined) take(tags, 'error');
}

/**
 * The parent is what the struct says, else the first CHILD_OF of the same trace, else the first FOLLOWS_FROM of it:
 * Jaeger's own rule. All other references are links.
 */
function readReferences(span: DecodedSpan, { tags, references, parentSpanId, traceId }: JaegerSpan): void {
  const text = attributeOf(tags, MAPPED.links);
  const links = typeof text === 'string' ? linksFromText(text) : undefined;
  const rest = [...references];
  if (links !== undefined) {
    take(tags, MAPPED.links);
    for (const link of links) {
      const at = rest.findLastIndex((other) => other.spanId === link.spanId && other.traceId === link.traceId);
      if (at >= 0) rest.splice(at, 1);
    }
  }
  const isParent = ({ traceId: id, spanId }: JaegerReference): boolean =>
    id === traceId && (parentSpanId === undefined || spanId === parentSpanId);
  let at = rest.findIndex((reference) => reference.type === 'CHILD_OF' && isParent(reference));
  if (at < 0) at = rest.findIndex(isParent);
  const parent = at < 0 ? undefined : rest.splice(at, 1)[0];
  span.parentSpanId = parentSpanId ?? parent?.spanId;
  if (parent?.type === 'FOLLOWS_FROM') tags.push(JAEGER.parentRefType, 'FOLLOWS_FROM');
  if (links !== undefined) span.links = links;
  else if (rest.length > 0) span.links = rest.map(linkOf);
}

function linkOf({ type, traceId, spanId }: JaegerReference): SpanLink {
  const attributes = type === 'CHILD_OF' ? [REF_TYPE, 'child_of'] : [];
  return { traceId, spanId, traceState: undefined, flags: 0, attributes, droppedAttributes: 0 };
}
