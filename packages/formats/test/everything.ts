import { Kind, Status, type SpanData } from '@forge/core';
import { makeSpan } from '@forge/testing';

/** A span with something in every field. */
export const everything: SpanData = makeSpan({
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  parentSpanId: '00f067aa0ba902b7',
  name: 'db.query',
  resource: 'SELECT users',
  kind: Kind.client,
  startUnixUs: 1_767_225_600_123_456,
  durationUs: 2_500_001,
  status: Status.error,
  statusMessage: 'relation "users" does not exist',
  attributes: [
    'table',
    'users',
    'rows',
    3,
    'ratio',
    0.5,
    'prepared',
    true,
    'ids',
    [1, 2],
    'deep',
    { a: ['b', null] },
    'raw',
    { '@bytes': 'AQID' },
  ],
  events: [
    {
      name: 'exception',
      unixUs: 1_767_225_600_200_000,
      attributes: ['exception.type', 'PostgresError'],
      droppedAttributes: 2,
    },
  ],
  links: [
    {
      traceId: '1af7651916cd43dd8448eb211c80319c',
      spanId: 'c7ad6b7169203331',
      traceState: 'a=b',
      flags: 3,
      attributes: ['why', 'batch'],
      droppedAttributes: 1,
    },
  ],
  origin: { serviceName: 'shop', nodeId: '0a1b2c3d-0000-4000-8000-00000000c0de', attributes: ['host.name', 'h1'] },
  scope: { name: '@forge/instrumentation-postgres', version: '1.2.3', attributes: ['k', 'v'] },
  traceState: 'ot=th:e666,other=1',
  flags: 3,
  weight: 10,
  droppedAttributes: 4,
  droppedEvents: 5,
  droppedLinks: 6,
});
