import { Kind, Status, type SpanData } from '@forge/core';

let counter = 0;

/** A finished span with whatever fields a test cares about; ids are fresh, the rest is plain. */
export function makeSpan(fields: Partial<SpanData> = {}): SpanData {
  counter++;
  return {
    traceId: counter.toString(16).padStart(32, '0'),
    spanId: counter.toString(16).padStart(16, '0'),
    parentSpanId: undefined,
    name: 'http.request',
    resource: fields.name ?? 'http.request',
    kind: Kind.internal,
    startUnixUs: Date.UTC(2026, 0, 1) * 1000,
    durationUs: 1000,
    status: Status.unset,
    statusMessage: undefined,
    attributes: [],
    events: [],
    links: [],
    origin: { serviceName: 'test', nodeId: '00000000-0000-4000-8000-000000000001', attributes: [] },
    scope: { name: 'test', version: undefined, attributes: [] },
    traceState: undefined,
    flags: 1,
    weight: 1,
    droppedAttributes: 0,
    droppedEvents: 0,
    droppedLinks: 0,
    ...fields,
  };
}
