import { Kind, Status, type Origin, type Scope, type SpanData } from '@forge/core';

/** An hour of the recent past, so that stores with a retention keep it: whole, in Unix microseconds. */
export const SAMPLE_START_US = (Math.floor(Date.now() / 3_600_000) - 2) * 3_600_000_000;

const scope: Scope = { name: 'conformance', version: '1.0.0', attributes: [] };
const origins = new Map<string, Origin>();
let ids = 0;

export interface SampleFields extends Partial<Omit<SpanData, 'origin' | 'startUnixUs'>> {
  readonly service?: string;
  readonly origin?: Origin;
  /** From `SAMPLE_START_US` on. */
  readonly offsetUs?: number;
}

/** A 32-digit trace id that no other call returns. */
export function freshTraceId(): string {
  return (++ids).toString(16).padStart(8, '0') + Math.random().toString(16).slice(2, 10).padEnd(24, '7');
}

/** A finished span with what a test cares about; the rest is plain. */
export function sampleSpan(fields: SampleFields = {}): SpanData {
  const { service = 'shop', origin, offsetUs = 0, ...rest } = fields;
  const name = rest.name ?? 'http.request';
  return {
    traceId: freshTraceId(),
    spanId: (++ids).toString(16).padStart(16, '0'),
    parentSpanId: undefined,
    name,
    resource: name,
    kind: Kind.internal,
    startUnixUs: SAMPLE_START_US + offsetUs,
    durationUs: 1000,
    status: Status.unset,
    statusMessage: undefined,
    attributes: [],
    events: [],
    links: [],
    origin: origin ?? originOf(service),
    scope,
    traceState: undefined,
    flags: 3,
    weight: 1,
    droppedAttributes: 0,
    droppedEvents: 0,
    droppedLinks: 0,
    ...rest,
  };
}

function originOf(serviceName: string): Origin {
  let origin = origins.get(serviceName);
  if (origin === undefined) {
    origin = { serviceName, nodeId: '11111111-1111-4111-8111-111111111111', attributes: ['host.name', 'a'] };
    origins.set(serviceName, origin);
  }
  return origin;
}
