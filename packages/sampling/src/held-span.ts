import {
  Status,
  type AttributeList,
  type Kind,
  type Origin,
  type Scope,
  type SpanData,
  type SpanEvent,
  type SpanLink,
} from '@forge/core';
import { gunzipSync, gzipSync } from 'node:zlib';

/** A finished span that came back out of the ring, or out of the parking place. */
export interface HeldSpan extends SpanData {
  readonly traceId: string;
}

/** What only some spans have: written as JSON behind the rest. */
export interface SpanRest {
  /** Attribute values that are no string, number or boolean, in their order. */
  readonly values?: readonly unknown[];
  readonly events?: readonly SpanEvent[];
  readonly links?: readonly SpanLink[];
  readonly statusMessage?: string;
  /** Dropped attributes, events and links. */
  readonly dropped?: readonly [number, number, number];
  readonly traceState?: string;
  /** Of a span without a shape: its parts. */
  readonly whole?: {
    readonly name: string;
    readonly resource: string;
    readonly kind: Kind;
    readonly origin: Origin;
    readonly scope: Scope;
    readonly attributes: AttributeList;
  };
}

/** JSON of anything that an attribute may hold: a bigint as its digits. */
export function jsonOf(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? String(item) : item));
}

/** Spans of one trace as bytes that any node can read. */
export function encodeHeld(spans: readonly SpanData[]): Uint8Array {
  return gzipSync(
    jsonOf(
      spans.map((span) => ({
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId,
        name: span.name,
        resource: span.resource,
        kind: span.kind,
        startUnixUs: span.startUnixUs,
        durationUs: span.durationUs,
        status: span.status,
        statusMessage: span.statusMessage,
        attributes: span.attributes,
        events: span.events,
        links: span.links,
        origin: span.origin,
        scope: span.scope,
        traceState: span.traceState,
        flags: span.flags,
        droppedAttributes: span.droppedAttributes,
        droppedEvents: span.droppedEvents,
        droppedLinks: span.droppedLinks,
      })),
    ),
    { level: 1 },
  );
}

/** What `encodeHeld` wrote. Absent fields come back as undefined. */
export function decodeHeld(bytes: Uint8Array): HeldSpan[] {
  const list = JSON.parse(gunzipSync(bytes).toString()) as Partial<SpanData>[];
  return list.map((span) => ({
    traceId: span.traceId!,
    spanId: span.spanId!,
    parentSpanId: span.parentSpanId,
    name: span.name!,
    resource: span.resource!,
    kind: span.kind!,
    startUnixUs: span.startUnixUs!,
    durationUs: span.durationUs!,
    status: span.status ?? Status.unset,
    statusMessage: span.statusMessage,
    attributes: span.attributes!,
    events: span.events!.map((event) => event),
    links: span.links!.map((link) => ({ ...link, traceState: link.traceState })),
    origin: { ...span.origin!, nodeId: span.origin!.nodeId },
    scope: { ...span.scope!, version: span.scope!.version },
    traceState: span.traceState,
    flags: span.flags! | 1,
    // Whoever promotes a trace does so for a trigger.
    weight: 1,
    droppedAttributes: span.droppedAttributes!,
    droppedEvents: span.droppedEvents!,
    droppedLinks: span.droppedLinks!,
  }));
}
