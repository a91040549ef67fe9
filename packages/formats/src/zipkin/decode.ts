import { attributeOf, type Kind, type Origin, type Scope } from '@forge/core';
import { formatError } from '../errors.ts';
import { DecodeBudget, type DecodeLimits } from '../model/decode-limits.ts';
import { DecodedSpan, Decoding, take, takeCount, takeText, UniqueList, type Decoded } from '../model/decoded-span.ts';
import { normalSpanId, normalTraceId } from '../model/ids.ts';
import { arrayIn, integerIn, objectIn, textIn, type JsonObject } from '../model/json-access.ts';
import { parseJson } from '../model/json-scan.ts';
import { linksFromText } from '../model/link-json.ts';
import { MAPPED, UNKNOWN_SERVICE } from '../model/mapped-keys.ts';
import { usualFlags } from '../model/usual-flags.ts';
import { eventOfAnnotation } from './annotation.ts';
import { isPlainFlag, isPort } from './encode.ts';
import { impliedPeer } from './peer.ts';
import { separateSharedSpans, type ReportedSpan } from './shared-spans.ts';
import { isZipkinV1, zipkinV1ToV2 } from './v1-to-v2.ts';
import { PEER, ZIPKIN } from './zipkin-keys.ts';

/**
 * Spans of Zipkin's JSON, v2 or v1: a list of spans, or a list of traces as `GET /api/v2/traces` gives it.
 * Throws FORGE_FORMAT_INVALID where it is no such document, FORGE_FORMAT_TOO_LARGE beyond the limits.
 */
export function decodeZipkinJson(document: Uint8Array | string, limits?: DecodeLimits): Decoded {
  return decodeZipkinValue(parseJson(document, { maxValues: limits?.maxValues }), limits);
}

/** The same of a document that is parsed already. */
export function decodeZipkinValue(document: unknown, limits?: DecodeLimits): Decoded {
  if (!Array.isArray(document)) throw formatError('FORGE_FORMAT_INVALID', 'not Zipkin JSON: not a list of spans');
  return new Decoder(limits).list(document);
}

const KINDS = ['INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'];

class Decoder {
  readonly #budget: DecodeBudget;
  readonly #out = new Decoding();
  readonly #reported: ReportedSpan[] = [];
  readonly #origins = new Map<string, Origin>();
  readonly #scopes = new Map<string, Scope>();
  readonly #withoutStart: DecodedSpan[] = [];

  constructor(limits: DecodeLimits | undefined) {
    this.#budget = new DecodeBudget(limits);
  }

  list(document: readonly unknown[]): Decoded {
    for (const item of document) for (const span of Array.isArray(item) ? (item as unknown[]) : [item]) this.#any(span);
    this.#guessStarts();
    separateSharedSpans(this.#reported);
    for (const { span, attributes } of this.#reported) this.#out.spans.push(span.finish(attributes));
    return this.#out;
  }

  #any(item: unknown): void {
    this.#budget.span();
    const span = objectIn(item);
    if (span === undefined) this.#out.reject('a span is not an object');
    else if (isZipkinV1(span)) for (const part of zipkinV1ToV2(span)) this.#span(part);
    else this.#span(span);
  }

  #span(json: JsonObject): void {
    const traceId = normalTraceId(json['traceId']);
    const spanId = normalSpanId(json['id']);
    const name = textIn(json['name']) ?? '';
    if (traceId === undefined || spanId === undefined) {
      this.#out.reject(`span "${name.slice(0, 100)}": ${traceId === undefined ? 'invalid traceId' : 'invalid id'}`);
      return;
    }
    const attributes = this.#tags(json['tags']);
    const span = new DecodedSpan(this.#origin(json, attributes), this.#scope(attributes));
    span.traceId = traceId;
    span.spanId = spanId;
    span.parentSpanId = normalSpanId(json['parentId']);
    span.name = name;
    span.kind = Math.max(0, KINDS.indexOf(textIn(json['kind'])?.toUpperCase() ?? '')) as Kind;
    this.#annotations(json['annotations'], span);
    this.#times(json, span, attributes);
    this.#fields(span, attributes);
    readStatus(span, attributes);
    if (json['debug'] === true) attributes.push(ZIPKIN.debug, true);
    readRemote(objectIn(json['remoteEndpoint']), span, attributes);
    this.#reported.push({ span, attributes, shared: json['shared'] === true });
  }

  #tags(value: unknown): unknown[] {
    const tags = objectIn(value);
    const list = new UniqueList();
    for (const key in tags) {
      this.#budget.value();
      if (Object.hasOwn(tags, key)) list.set(key, tags[key]);
    }
    return list.list;
  }

  #annotations(value: unknown, span: DecodedSpan): void {
    const annotations = arrayIn(value);
    if (annotations.length === 0) return;
    span.events = annotations.flatMap((item) => {
      this.#budget.value();
      const annotation = objectIn(item);
      const text = textIn(annotation?.['value']);
      return text === undefined ? [] : [eventOfAnnotation(integerIn(annotation?.['timestamp']) ?? 0, text)];
    });
  }

  #times(json: JsonObject, span: DecodedSpan, attributes: unknown[]): void {
    const duration = integerIn(json['duration']);
    const writtenDuration = takeCount(attributes, MAPPED.durationUs);
    if (duration === undefined || duration < 0) attributes.push(ZIPKIN.durationMissing, true);
    else span.durationUs = writtenDuration ?? duration;
    const timestamp = integerIn(json['timestamp']);
    const writtenStart = integerIn(take(attributes, MAPPED.startUnixUs));
    if (timestamp !== undefined && timestamp > 0) span.startUnixUs = timestamp;
    else if (writtenStart !== undefined) span.startUnixUs = writtenStart;
    else {
      attributes.push(ZIPKIN.timestampMissing, true);
      this.#withoutStart.push(span);
    }
  }

  /** A span without a start began, as far as anyone can tell, with its first event, its other half, its parent or its trace. */
  #guessStarts(): void {
    if (this.#withoutStart.length === 0) return;
    const missing = new Set(this.#withoutStart);
    const known = this.#reported.map(({ span }) => span).filter((span) => !missing.has(span));
    const byId = new Map(known.map((span) => [span.traceId + span.spanId, span.startUnixUs]));
    const byTrace = new Map<string, number>();
    for (const { traceId, startUnixUs } of known)
      byTrace.set(traceId, Math.min(startUnixUs, byTrace.get(traceId) ?? startUnixUs));
    for (const span of this.#withoutStart) {
      const events = span.events.map(({ unixUs }) => unixUs).filter((us) => us > 0);
      span.startUnixUs =
        (events.length > 0 ? Math.min(...events) : undefined) ??
        byId.get(span.traceId + span.spanId) ??
        byId.get(span.traceId + span.parentSpanId) ??
        byTrace.get(span.traceId) ??
        Date.now() * 1000;
    }
  }

  /** What our encoder, or OpenTelemetry's, put into tags. */
  #fields(span: DecodedSpan, attributes: unknown[]): void {
    span.traceState = takeText(attributes, MAPPED.traceState);
    span.flags = (takeCount(attributes, MAPPED.flags) ?? usualFlags(span.scope)) & 0xff;
    span.droppedAttributes = takeCount(attributes, MAPPED.droppedAttributes) ?? 0;
    span.droppedEvents = takeCount(attributes, MAPPED.droppedEvents) ?? 0;
    span.droppedLinks = takeCount(attributes, MAPPED.droppedLinks) ?? 0;
    const links = attributeOf(attributes, MAPPED.links);
    const parsed = typeof links === 'string' ? linksFromText(links) : undefined;
    if (parsed === undefined) return;
    take(attributes, MAPPED.links);
    span.links = parsed;
  }

  #origin(json: JsonObject, attributes: unknown[]): Origin {
    const own = takePrefixed(attributes, MAPPED.resourceAttributePrefix);
    const nodeId = takeText(own, MAPPED.nodeId) ?? takeText(own, 'service.instance.id');
    const endpoint = objectIn(json['localEndpoint']) ?? {};
    const port = integerIn(endpoint['port']);
    if (typeof endpoint['ipv4'] === 'string') own.push(ZIPKIN.localIpv4, endpoint['ipv4']);
    if (typeof endpoint['ipv6'] === 'string') own.push(ZIPKIN.localIpv6, endpoint['ipv6']);
    if (port !== undefined && port !== 0) own.push(ZIPKIN.localPort, port);
    const serviceName = textIn(endpoint['serviceName']) || UNKNOWN_SERVICE;
    return interned(this.#origins, { serviceName, nodeId, attributes: own });
  }

  #scope(attributes: unknown[]): Scope {
    const name = takeText(attributes, MAPPED.scopeName) ?? '';
    const version = takeText(attributes, MAPPED.scopeVersion);
    return interned(this.#scopes, { name, version, attributes: takePrefixed(attributes, MAPPED.scopeAttributePrefix) });
  }
}

/** One object for equal ones: most spans of a document are of few services. */
function interned<T>(known: Map<string, T>, value: T): T {
  const key = JSON.stringify(value);
  const before = known.get(key);
  if (before === undefined) known.set(key, value);
  return before ?? value;
}

function takePrefixed(attributes: unknown[], prefix: string): unknown[] {
  const taken: unknown[] = [];
  for (let i = 0; i < attributes.length;) {
    const key = attributes[i] as string;
    if (key.startsWith(prefix)) {
      const [, value] = attributes.splice(i, 2);
      taken.push(key.slice(prefix.length), value);
    } else i += 2;
  }
  return taken;
}

/** See `putStatus` of the encoder. */
function readStatus(span: DecodedSpan, attributes: unknown[]): void {
  const code = takeText(attributes, MAPPED.statusCode)?.toUpperCase();
  span.statusMessage = takeText(attributes, MAPPED.statusDescription) || undefined;
  const error = attributeOf(attributes, 'error');
  const failed = error !== undefined && error !== 'false' && error !== false;
  span.status = code === 'OK' ? 1 : code === 'ERROR' ? 2 : code === 'UNSET' ? 0 : failed ? 2 : 0;
  if (code !== undefined || !failed || typeof error !== 'string') return;
  if (error === '') take(attributes, 'error');
  else if (span.statusMessage === undefined && !isPlainFlag(error)) {
    span.statusMessage = error;
    take(attributes, 'error');
  }
}

function readRemote(endpoint: JsonObject | undefined, span: DecodedSpan, attributes: unknown[]): void {
  if (endpoint === undefined) return;
  const service = textIn(endpoint['serviceName']);
  const ipv4 = textIn(endpoint['ipv4']);
  const ipv6 = textIn(endpoint['ipv6']);
  const port = integerIn(endpoint['port']);
  if (ipv4 !== undefined) attributes.push(PEER.address, ipv4);
  if (ipv6 !== undefined) attributes.push(ipv4 === undefined ? PEER.address : ZIPKIN.remoteIpv6, ipv6);
  if (isPort(port)) attributes.push(PEER.port, port);
  if (service === undefined) return;
  // What the encoder would say by itself of such a span is not repeated as a tag.
  const alone = ipv4 === undefined && ipv6 === undefined && port === undefined;
  const resource = attributeOf(attributes, MAPPED.resource);
  span.resource = typeof resource === 'string' ? resource : span.name;
  span.attributes = attributes;
  if (!alone || impliedPeer(span) !== service) attributes.push(PEER.service, service);
}
