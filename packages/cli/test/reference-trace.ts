import type { SpanJson, TraceJson } from '@forge/query';

const TRACE_ID = '692123ec0af7651916cd43dd8448eb21';
const START_US = Date.UTC(2026, 10, 22, 17, 48, 28) * 1000 + 123_456;

/** A span of a trace under test: times from the trace's start in microseconds. */
export function spanJson(
  fields: Partial<SpanJson> & { id: number; parent?: number; at?: number; us?: number },
): SpanJson {
  const { id, parent, at = 0, us = 1000, ...rest } = fields;
  const operation = rest.operation_name ?? 'work';
  const startUs = START_US + at;
  return {
    trace_id: TRACE_ID,
    span_id: id.toString(16).padStart(16, '0'),
    parent_span_id: parent === undefined ? null : parent.toString(16).padStart(16, '0'),
    operation_name: operation,
    resource: operation,
    service_name: 'gateway',
    node_id: null,
    kind: 'internal',
    start_time: new Date(startUs / 1000).toISOString(),
    start_us: startUs,
    duration_ms: Math.round(us / 1000),
    duration_us: us,
    status: 'ok',
    status_message: null,
    tags: {},
    logs: [],
    links: [],
    process: {},
    scope: { name: 'test', version: null },
    trace_state: null,
    weight: 1,
    ...rest,
  };
}

/** The trace of these spans, with the header as the API computes it. */
export function traceJson(spans: SpanJson[], fields: Partial<TraceJson> = {}): TraceJson {
  const startUs = Math.min(...spans.map((span) => span.start_us));
  const endUs = Math.max(...spans.map((span) => span.start_us + span.duration_us));
  const services = [...new Set(spans.map((span) => span.service_name))].map((name) => {
    const own = spans.filter((span) => span.service_name === name);
    return { service_name: name, spans: own.length, errors: own.filter((span) => span.status === 'error').length };
  });
  const [root] = spans;
  return {
    trace_id: TRACE_ID,
    start_time: `${new Date(startUs / 1000).toISOString().slice(0, -1)}456Z`,
    start_us: startUs,
    duration_ms: Math.round((endUs - startUs) / 1000),
    duration_us: endUs - startUs,
    kept: 'head',
    gaps: [],
    missing_parents: [],
    root: {
      span_id: root.span_id,
      operation_name: root.operation_name,
      resource: root.resource,
      service_name: root.service_name,
      status: root.status,
    },
    services,
    errors: spans.filter((span) => span.status === 'error').length,
    spans,
    ...fields,
  };
}

/** An order that the payment service declined, across gateway, worker and the job after it. */
export function declinedOrder(): TraceJson {
  const worker = { service_name: 'function-executor' };
  return traceJson(
    [
      spanJson({
        id: 1,
        operation_name: 'http.request',
        resource: 'POST /api/orders',
        kind: 'server',
        us: 150_000,
        status: 'error',
        status_message: 'HTTP 402',
      }),
      spanJson({ id: 2, parent: 1, operation_name: 'auth.verify', at: 5000, us: 10_000 }),
      spanJson({
        id: 3,
        parent: 1,
        operation_name: 'grpc.call',
        resource: 'forge.Functions/Execute',
        kind: 'client',
        at: 18_000,
        us: 124_000,
        status: 'error',
      }),
      spanJson({
        id: 4,
        parent: 3,
        operation_name: 'grpc.call',
        resource: 'forge.Functions/Execute',
        kind: 'server',
        at: 19_000,
        us: 122_000,
        status: 'error',
        ...worker,
      }),
      spanJson({
        id: 5,
        parent: 4,
        operation_name: 'function.execute',
        resource: 'create_order',
        at: 20_000,
        us: 120_000,
        status: 'error',
        status_message: 'card was declined\nat charge()',
        ...worker,
      }),
      spanJson({
        id: 6,
        parent: 5,
        operation_name: 'db.query',
        resource: 'SELECT users',
        at: 25_000,
        us: 5000,
        ...worker,
      }),
      spanJson({
        id: 7,
        parent: 5,
        operation_name: 'http.client',
        resource: 'POST payments',
        kind: 'client',
        at: 35_000,
        us: 65_000,
        ...worker,
      }),
      spanJson({
        id: 8,
        parent: 5,
        operation_name: 'db.query',
        resource: 'INSERT orders',
        at: 105_000,
        us: 15_000,
        ...worker,
      }),
      spanJson({
        id: 9,
        parent: 5,
        operation_name: 'job.dispatch',
        resource: 'send_confirmation',
        kind: 'producer',
        at: 125_000,
        us: 3000,
        ...worker,
      }),
      spanJson({
        id: 10,
        parent: 9,
        operation_name: 'job.execute',
        resource: 'send_confirmation',
        kind: 'consumer',
        at: 180_000,
        us: 12_000,
        ...worker,
      }),
    ],
    { kept: 'error' },
  );
}
