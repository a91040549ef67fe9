import type { SpanData } from '@forge/core';

/** A copy of plain fields: a live `Span` computes them at each access. */
export function snapshot(span: SpanData): SpanData {
  return {
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
    attributes: [...span.attributes],
    events: [...span.events],
    links: [...span.links],
    origin: span.origin,
    scope: span.scope,
    traceState: span.traceState,
    flags: span.flags,
    weight: span.weight,
    droppedAttributes: span.droppedAttributes,
    droppedEvents: span.droppedEvents,
    droppedLinks: span.droppedLinks,
  };
}
