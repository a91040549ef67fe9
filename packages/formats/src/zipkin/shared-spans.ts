import { attributeOf, Kind } from '@forge/core';
import { createHash } from 'node:crypto';
import type { DecodedSpan } from '../model/decoded-span.ts';
import { ZIPKIN } from './zipkin-keys.ts';

/** A decoded span with what the report said of sharing. */
export interface ReportedSpan {
  readonly span: DecodedSpan;
  readonly attributes: unknown[];
  readonly shared: boolean;
}

/**
 * In B3, a server may take its client's span id for its own span: two spans of one id, which no store keyed by ids can
 * hold. The server's half gets an id of its own, a child of the client's half, as OpenTelemetry would have it:
 *
 *     client  id=a parent=r                        client  id=a parent=r
 *     server  id=a parent=r shared          ->     server  id=h(a, server) parent=a
 *       query id=b parent=a (same service)           query id=b parent=h(a, server)
 *
 * The new id follows from the old one and the server's endpoint and start: the same report always gives the same id.
 * Children that come in another document stay children of the client's half: nothing there tells them apart.
 */
export function separateSharedSpans(reported: readonly ReportedSpan[]): void {
  const halves = new Map<string, ReportedSpan[]>();
  for (const one of reported) {
    const key = one.span.traceId + one.span.spanId;
    const others = halves.get(key);
    if (others === undefined) halves.set(key, [one]);
    else others.push(one);
  }
  const servers = new Map<string, ReportedSpan[]>();
  for (const [key, spans] of halves) {
    const hasClient = spans.some(({ span, shared }) => !shared && span.kind === Kind.client);
    const own = spans.filter(({ span, shared }) => shared || (hasClient && span.kind === Kind.server));
    if (own.length > 0) servers.set(key, own);
  }
  if (servers.size === 0) return;
  adopt(reported, servers);
  for (const own of servers.values()) for (const one of own) rename(one);
}

/** Moves children from the shared id to the server's half: those of the same service, and address where it is known. */
function adopt(reported: readonly ReportedSpan[], servers: ReadonlyMap<string, readonly ReportedSpan[]>): void {
  for (const { span, attributes } of reported) {
    const halves = span.parentSpanId === undefined ? undefined : servers.get(span.traceId + span.parentSpanId);
    if (halves === undefined) continue;
    const parents = halves.filter((half) => half.span !== span && sameEndpoint(half.span, span));
    const begun = parents.filter((half) => half.span.startUnixUs <= span.startUnixUs);
    const parent = (begun.length > 0 ? begun : parents).sort((a, b) => b.span.startUnixUs - a.span.startUnixUs)[0];
    if (parent === undefined) continue;
    attributes.push(ZIPKIN.parentId, span.parentSpanId);
    span.parentSpanId = separateId(parent.span);
  }
}

function sameEndpoint(a: DecodedSpan, b: DecodedSpan): boolean {
  if (a.origin.serviceName !== b.origin.serviceName) return false;
  const [one, other] = [addressOf(a), addressOf(b)];
  return one === other || one === undefined || other === undefined;
}

function addressOf({ origin }: DecodedSpan): unknown {
  return attributeOf(origin.attributes, ZIPKIN.localIpv4) ?? attributeOf(origin.attributes, ZIPKIN.localIpv6);
}

function rename({ span, attributes, shared }: ReportedSpan): void {
  const id = span.spanId;
  // A child of a shared span may be a shared one itself: then what was reported is noted already.
  const noted = attributeOf(attributes, ZIPKIN.parentId) !== undefined;
  if (!noted && span.parentSpanId !== undefined) attributes.push(ZIPKIN.parentId, span.parentSpanId);
  attributes.push(ZIPKIN.shared, shared);
  span.spanId = separateId(span);
  span.parentSpanId = id;
}

function separateId({ spanId, startUnixUs, origin }: DecodedSpan): string {
  const port = attributeOf(origin.attributes, ZIPKIN.localPort);
  const key = JSON.stringify([spanId, startUnixUs, origin.serviceName, addressOf({ origin } as DecodedSpan), port]);
  return createHash('sha256').update(key).digest('hex').slice(0, 16);
}
