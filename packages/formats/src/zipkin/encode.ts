import { attributeOf, Status, type AttributeList, type SpanData, type SpanEvent } from '@forge/core';
import { isIP } from 'node:net';
import { linksToText } from '../model/link-json.ts';
import { MAPPED, UNKNOWN_SERVICE } from '../model/mapped-keys.ts';
import { isImplied } from '../model/sampling-weight.ts';
import { wellFormed } from '../model/text.ts';
import { usualFlags } from '../model/usual-flags.ts';
import { valueText } from '../model/value-text.ts';
import { annotationText } from './annotation.ts';
import { impliedPeer } from './peer.ts';
import { PEER, ZIPKIN } from './zipkin-keys.ts';

const KINDS = [undefined, 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'];

/**
 * Zipkin's v2 JSON: what `POST /api/v2/spans` takes. https://zipkin.io/zipkin-api/zipkin2-api.yaml
 * Zipkin's tags are text: numbers, booleans, lists and objects become it.
 */
export function encodeZipkinJson(spans: readonly SpanData[]): string {
  return `[${spans.map((span) => JSON.stringify(zipkinSpan(span))).join(',')}]`;
}

interface Endpoint {
  serviceName?: string;
  ipv4?: string;
  ipv6?: string;
  port?: number;
}

type Json = Record<string, unknown>;

function zipkinSpan(span: SpanData): Json {
  const { attributes } = span;
  const used = new Set<string>();
  const use = (key: string): unknown => {
    const value = attributeOf(attributes, key);
    if (value !== undefined) used.add(key);
    return value;
  };
  const shared = use(ZIPKIN.shared);
  const reportedParent = use(ZIPKIN.parentId);
  const startKnown = use(ZIPKIN.timestampMissing) !== true && span.startUnixUs > 0;
  const durationKnown = use(ZIPKIN.durationMissing) !== true;
  const debug = use(ZIPKIN.debug);
  const remoteEndpoint = remoteOf(span, used);
  const tags = tagsOf(span, used);
  if (span.startUnixUs <= 0 && attributeOf(attributes, ZIPKIN.timestampMissing) !== true)
    tags[MAPPED.startUnixUs] = String(span.startUnixUs);
  if (span.durationUs === 0 && durationKnown) tags[MAPPED.durationUs] = '0';
  const parentId = typeof reportedParent === 'string' ? reportedParent || undefined : span.parentSpanId;
  return {
    traceId: span.traceId,
    // The halves of a shared span go back under its one id.
    id: typeof shared === 'boolean' ? (span.parentSpanId ?? span.spanId) : span.spanId,
    parentId: typeof shared === 'boolean' && typeof reportedParent !== 'string' ? undefined : parentId,
    name: span.name === '' ? undefined : wellFormed(span.name),
    kind: KINDS[span.kind],
    timestamp: startKnown ? span.startUnixUs : undefined,
    // Zipkin's least duration is 1: shorter ones are rounded up.
    duration: durationKnown ? Math.max(1, span.durationUs) : undefined,
    localEndpoint: localOf(span),
    remoteEndpoint,
    annotations: span.events.length === 0 ? undefined : annotationsOf(span.events),
    tags: Object.keys(tags).length === 0 ? undefined : tags,
    debug: debug === true ? true : undefined,
    shared: shared === true ? true : undefined,
  };
}

/** Each once: the schema asks for it. */
function annotationsOf(events: readonly SpanEvent[]): Json[] {
  const seen = new Set<string>();
  const annotations: Json[] = [];
  for (const event of events) {
    const annotation = { timestamp: event.unixUs, value: annotationText(event) };
    const key = `${annotation.timestamp} ${annotation.value}`;
    if (!seen.has(key)) annotations.push(annotation);
    seen.add(key);
  }
  return annotations;
}

function localOf({ origin: { serviceName, attributes } }: SpanData): Endpoint | undefined {
  const endpoint: Endpoint = {};
  if (serviceName !== UNKNOWN_SERVICE) endpoint.serviceName = wellFormed(serviceName);
  const ipv4 = attributeOf(attributes, ZIPKIN.localIpv4);
  const ipv6 = attributeOf(attributes, ZIPKIN.localIpv6);
  const port = attributeOf(attributes, ZIPKIN.localPort);
  if (typeof ipv4 === 'string') endpoint.ipv4 = ipv4;
  if (typeof ipv6 === 'string') endpoint.ipv6 = ipv6;
  if (typeof port === 'number') endpoint.port = port;
  return Object.keys(endpoint).length === 0 ? undefined : endpoint;
}

function remoteOf(span: SpanData, used: Set<string>): Endpoint | undefined {
  const { attributes } = span;
  const implied = impliedPeer(span);
  const endpoint: Endpoint = {};
  const service = attributeOf(attributes, PEER.service);
  const address = attributeOf(attributes, PEER.address);
  const ipv6 = attributeOf(attributes, ZIPKIN.remoteIpv6);
  const port = attributeOf(attributes, PEER.port);
  if (typeof service === 'string') endpoint.serviceName = wellFormed(service);
  const family = typeof address === 'string' ? isIP(address) : 0;
  if (family === 4) endpoint.ipv4 = address as string;
  if (family === 6) endpoint.ipv6 = address as string;
  if (typeof ipv6 === 'string') endpoint.ipv6 = ipv6;
  if (isPort(port)) endpoint.port = port;
  if (endpoint.serviceName !== undefined) used.add(PEER.service);
  if (family !== 0) used.add(PEER.address);
  if (typeof ipv6 === 'string') used.add(ZIPKIN.remoteIpv6);
  if (endpoint.port !== undefined) used.add(PEER.port);
  // Said though it is implied: then it stays a tag too, or it would be taken for implied on the way back.
  if (Object.keys(endpoint).length === 1 && endpoint.serviceName === implied) used.delete(PEER.service);
  if (Object.keys(endpoint).length > 0) return endpoint;
  return implied === undefined ? undefined : { serviceName: wellFormed(implied) };
}

export function isPort(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 65_536;
}

function tagsOf(span: SpanData, used: ReadonlySet<string>): Record<string, string> {
  const tags: Record<string, string> = Object.create(null) as Record<string, string>;
  put(tags, '', span.attributes, used);
  const { origin, scope } = span;
  put(tags, MAPPED.resourceAttributePrefix, origin.attributes, LOCAL);
  if (origin.nodeId !== undefined) {
    const taken = attributeOf(origin.attributes, 'service.instance.id') !== undefined;
    tags[MAPPED.resourceAttributePrefix + (taken ? MAPPED.nodeId : 'service.instance.id')] = wellFormed(origin.nodeId);
  }
  if (scope.name !== '') tags[MAPPED.scopeName] = wellFormed(scope.name);
  if (scope.version !== undefined) tags[MAPPED.scopeVersion] = wellFormed(scope.version);
  put(tags, MAPPED.scopeAttributePrefix, scope.attributes, NONE);
  if (span.resource !== span.name) tags[MAPPED.resource] = wellFormed(span.resource);
  if (!isImplied(span.weight, span.traceState)) tags[MAPPED.weight] = String(span.weight);
  if (span.traceState !== undefined) tags[MAPPED.traceState] = wellFormed(span.traceState);
  if (span.flags !== usualFlags(scope)) tags[MAPPED.flags] = String(span.flags);
  if (span.links.length > 0) tags[MAPPED.links] = linksToText(span.links);
  if (span.droppedAttributes > 0) tags[MAPPED.droppedAttributes] = String(span.droppedAttributes);
  if (span.droppedEvents > 0) tags[MAPPED.droppedEvents] = String(span.droppedEvents);
  if (span.droppedLinks > 0) tags[MAPPED.droppedLinks] = String(span.droppedLinks);
  putStatus(tags, span);
  return tags;
}

/**
 * Zipkin marks a span as failed by the tag `error`, whose value is the message. OpenTelemetry's two tags for the status
 * are written only where that alone would be read back as something else.
 */
function putStatus(tags: Record<string, string>, { status, statusMessage }: SpanData): void {
  const tag = tags['error'];
  if (status === Status.error && tag === undefined) {
    if (statusMessage !== undefined && !isPlainFlag(statusMessage)) {
      tags['error'] = wellFormed(statusMessage);
      return;
    }
    tags['error'] = '';
  } else if (status === Status.error) {
    if (tag !== 'true' || statusMessage !== undefined) tags[MAPPED.statusCode] = 'ERROR';
  } else if (status === Status.ok) tags[MAPPED.statusCode] = 'OK';
  else if (tag !== undefined && tag !== 'false') tags[MAPPED.statusCode] = 'UNSET';
  if (statusMessage !== undefined) tags[MAPPED.statusDescription] = wellFormed(statusMessage);
}

/** Whether the value of `error` says only whether there was one. */
export function isPlainFlag(value: string): boolean {
  return value === '' || value === 'true' || value === 'false';
}

const NONE: ReadonlySet<string> = new Set();
const LOCAL: ReadonlySet<string> = new Set([ZIPKIN.localIpv4, ZIPKIN.localIpv6, ZIPKIN.localPort]);

function put(tags: Record<string, string>, prefix: string, list: AttributeList, without: ReadonlySet<string>): void {
  for (let i = 0; i < list.length; i += 2) {
    const key = list[i] as string;
    if (list[i + 1] !== undefined && !without.has(key)) tags[prefix + wellFormed(key)] = valueText(list[i + 1]);
  }
}
