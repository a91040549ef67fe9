/** JSON Schemas of the answers, for OpenAPI. Closed objects: a name that is not written here fails the tests. */

type Schema = Readonly<Record<string, unknown>>;

function object(properties: Record<string, Schema>, optional: readonly string[] = []): Schema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', properties, required, additionalProperties: false };
}

function list(items: Schema): Schema {
  return { type: 'array', items };
}

function orNull(type: string): Schema {
  return { type: [type, 'null'] };
}

const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });
const text: Schema = { type: 'string' };
const count: Schema = { type: 'integer', minimum: 0 };
const amount: Schema = { type: 'number', minimum: 0 };
const time: Schema = { type: 'string', format: 'date-time' };
const status: Schema = { type: 'string', enum: ['ok', 'error'] };
const tags: Schema = { type: 'object', additionalProperties: true };
const traceId: Schema = { type: 'string', pattern: '^([0-9a-f]{32}|[0-9a-f]{16})$' };
const spanId: Schema = { type: 'string', pattern: '^[0-9a-f]{16}$' };
const gap = object({ node_id: text, reason: text, time });
const root: Record<string, Schema> = { operation_name: text, resource: text, service_name: text, status };
const span: Record<string, Schema> = { start_time: time, start_us: count, duration_ms: count, duration_us: count };

export const SCHEMAS: Readonly<Record<string, Schema>> = {
  Page: object({ traces: list(ref('Summary')), next_cursor: orNull('string') }),
  Summary: object({
    trace_id: traceId,
    root: object(root),
    ...span,
    spans: { type: 'integer', minimum: 1 },
    errors: count,
    services: list(ref('Service')),
    kept: text,
    longest_match_us: count,
  }),
  Service: object({ service_name: text, spans: { type: 'integer', minimum: 1 }, errors: count }),
  Trace: object({
    trace_id: traceId,
    ...span,
    kept: text,
    gaps: list(gap),
    missing_parents: list(spanId),
    root: object({ span_id: spanId, ...root }),
    services: list(ref('Service')),
    errors: count,
    spans: { type: 'array', items: ref('Span'), minItems: 1 },
  }),
  Span: object({
    trace_id: traceId,
    span_id: spanId,
    parent_span_id: { type: ['string', 'null'], pattern: '^[0-9a-f]{16}$' },
    operation_name: text,
    resource: text,
    service_name: text,
    node_id: orNull('string'),
    kind: { type: 'string', enum: ['internal', 'server', 'client', 'producer', 'consumer'] },
    ...span,
    status,
    status_message: orNull('string'),
    tags,
    logs: list(object({ name: text, time, time_us: count, attributes: tags })),
    links: list(object({ trace_id: traceId, span_id: spanId, trace_state: orNull('string'), attributes: tags })),
    process: tags,
    scope: object({ name: text, version: orNull('string') }),
    trace_state: orNull('string'),
    weight: { type: 'number', exclusiveMinimum: 0 },
  }),
  Columns: object({
    trace_id: traceId,
    start_us: count,
    duration_us: count,
    kept: text,
    gaps: list(gap),
    count: { type: 'integer', minimum: 1 },
    span_ids: { type: 'string', pattern: '^([0-9a-f]{16})+$' },
    parent: list({ type: 'integer', minimum: -2 }),
    missing_parent: list({ type: 'array', prefixItems: [count, spanId], minItems: 2, maxItems: 2 }),
    start: list(count),
    duration: list(count),
    strings: { ...list(text), uniqueItems: true },
    name: list(count),
    resource: list(count),
    service: list(count),
    node: list({ type: 'integer', minimum: -1 }),
    kind: list({ type: 'integer', minimum: 0, maximum: 4 }),
    status: list({ type: 'integer', minimum: 0, maximum: 2 }),
    flags: list(count),
    logs: object({ row: list(count), time: list({ type: 'integer' }), label: list(count) }),
  }),
  Logs: object({
    trace_id: traceId,
    logs: list(
      object({
        row: count,
        span_id: spanId,
        time_us: count,
        name: text,
        level: orNull('string'),
        message: text,
        attributes: tags,
      }),
    ),
  }),
  Matches: object({ trace_id: traceId, count: { type: 'integer', minimum: 1 }, rows: list(count) }),
  Services: object({ services: { ...list(text), uniqueItems: true } }),
  Operations: object({ operations: list(object({ operation_name: text, resource: text })) }),
  TagKeys: object({ keys: { ...list(text), uniqueItems: true } }),
  TagValues: object({ key: text, values: { ...list(text), uniqueItems: true }, complete: { type: 'boolean' } }),
  Rates: object({
    step_us: { type: 'integer', minimum: 1 },
    starts_us: list(count),
    quantiles: list({ type: 'number', minimum: 0, maximum: 1 }),
    series: list(
      object(
        {
          service_name: text,
          operation_name: text,
          resource: text,
          total: object({
            requests: amount,
            errors: amount,
            sum_us: amount,
            max_us: amount,
            quantiles_us: list(amount),
          }),
          points: object({
            requests: list(amount),
            errors: list(amount),
            sum_us: list(amount),
            max_us: list(amount),
            quantiles_us: list(list(amount)),
          }),
        },
        ['service_name', 'operation_name', 'resource'],
      ),
    ),
    omitted: count,
  }),
  Heatmap: object({
    step_us: { type: 'integer', minimum: 1 },
    starts_us: list(count),
    rows_us: list(amount),
    counts: list(list(amount)),
  }),
  Edges: object({
    edges: list(
      object({
        parent_service: text,
        child_service: text,
        requests: amount,
        errors: amount,
        sum_us: amount,
        max_us: amount,
      }),
    ),
  }),
  Comparison: object({
    a: ref('ComparedTrace'),
    b: ref('ComparedTrace'),
    nodes: list(
      object({
        parent: { type: 'integer', minimum: -1 },
        depth: count,
        operation_name: text,
        resource: text,
        service_name: text,
        a: { oneOf: [ref('ComparedSpans'), { type: 'null' }] },
        b: { oneOf: [ref('ComparedSpans'), { type: 'null' }] },
      }),
    ),
  }),
  ComparedTrace: object({
    trace_id: traceId,
    ...span,
    kept: text,
    root: object({ span_id: spanId, ...root }),
    services: list(ref('Service')),
    errors: count,
  }),
  ComparedSpans: object({ spans: { type: 'integer', minimum: 1 }, errors: count, duration_us: count, self_us: count }),
  Import: object({
    formats: list({ type: 'string', enum: ['otlp', 'zipkin', 'jaeger'] }),
    spans: count,
    stored: count,
    duplicates: count,
    expired: count,
    rejected: count,
    reason: orNull('string'),
    trace_ids: list(traceId),
  }),
  Info: { type: 'object' },
  Problem: object(
    {
      type: { const: 'about:blank' },
      title: text,
      status: { type: 'integer', minimum: 400, maximum: 599 },
      detail: text,
      code: { type: 'string', pattern: '^FORGE_QUERY_[A-Z_]+$' },
      parameter: text,
      value: text,
      allowed: text,
    },
    ['parameter', 'value', 'allowed'],
  ),
};
