import type { TraceJson } from '@forge/query';

type SpanJson = TraceJson['spans'][number];

/** One span that must be there, with those below it in the order of their starts. */
interface Expected {
  readonly name: string;
  readonly resource?: string;
  readonly service: string;
  readonly tags: Readonly<Record<string, unknown>>;
  readonly children?: readonly Expected[];
  /** Starts when it likes, after its parent has ended too. */
  readonly async?: true;
}

/** Any value of that type. */
const ANY = { string: 'a text', number: 'a number' } as const;

const WORKER = 'function-executor';

/** What one `POST /api/orders` must leave behind: nothing more, nothing less. */
const REFERENCE: Expected = {
  name: 'http.request',
  resource: 'POST /api/orders',
  service: 'gateway',
  tags: { method: 'POST', path: '/api/orders', status: 201 },
  children: [
    { name: 'auth.verify', service: 'gateway', tags: { user_id: ANY.string } },
    {
      name: 'grpc.call',
      service: 'gateway',
      tags: { service: 'forge.functions.v1.FunctionExecutor', method: 'Execute' },
      children: [
        {
          name: 'grpc.call',
          service: WORKER,
          tags: { service: 'forge.functions.v1.FunctionExecutor', method: 'Execute' },
          children: [
            {
              name: 'function.execute',
              resource: 'create_order',
              service: WORKER,
              tags: { name: 'create_order', type: 'mutation' },
              children: [
                {
                  name: 'db.query',
                  resource: 'SELECT users',
                  service: WORKER,
                  tags: { operation: 'SELECT', table: 'users', query: ANY.string },
                },
                { name: 'http.client', service: WORKER, tags: { method: 'POST', url: ANY.string, status: 201 } },
                {
                  name: 'db.query',
                  resource: 'INSERT orders',
                  service: WORKER,
                  tags: { operation: 'INSERT', table: 'orders', query: ANY.string },
                },
                {
                  name: 'job.dispatch',
                  service: WORKER,
                  tags: { job_type: 'send_confirmation' },
                  children: [
                    {
                      name: 'job.execute',
                      service: WORKER,
                      tags: { job_type: 'send_confirmation', job_id: ANY.string },
                      async: true,
                    },
                  ],
                },
              ],
            },
          ],
        },
      ],
    },
  ],
};

/** Spans that the reference trace has. */
export const REFERENCE_SPANS = countSpans(REFERENCE);

const TOLERANCE_US = 1000;

/** What is wrong with `trace`, a line each; empty where it is the reference trace. */
export function differences(trace: TraceJson): string[] {
  const problems: string[] = [];
  const children = new Map<string | null, SpanJson[]>();
  for (const span of trace.spans) {
    const parent = span.parent_span_id ?? null;
    children.set(parent, [...(children.get(parent) ?? []), span]);
    if (span.trace_id !== trace.trace_id) problems.push(`${span.operation_name} has the trace id ${span.trace_id}`);
  }
  const roots = children.get(null) ?? [];
  if (roots.length === 1) compare(roots[0], REFERENCE, children, problems);
  else problems.push(`${roots.length} roots instead of one`);
  if (trace.spans.length !== REFERENCE_SPANS)
    problems.push(`${trace.spans.length} spans instead of ${REFERENCE_SPANS}`);
  for (const span of trace.spans)
    if (span.status !== 'ok') problems.push(`${span.operation_name} ${span.resource} has the status ${span.status}`);
  const nodes = new Map(trace.spans.map((span) => [span.service_name, span.node_id]));
  if (new Set(nodes.values()).size !== 2 || [...nodes.values()].includes(null))
    problems.push('the two services must have two node ids');
  return problems;
}

function compare(
  span: SpanJson,
  expected: Expected,
  children: ReadonlyMap<string | null, SpanJson[]>,
  problems: string[],
): void {
  const where = `${span.operation_name} (${span.resource})`;
  if (span.operation_name !== expected.name) problems.push(`${where} is where ${expected.name} should be`);
  if (expected.resource !== undefined && span.resource !== expected.resource)
    problems.push(`${where}: its resource should be ${expected.resource}`);
  if (span.service_name !== expected.service)
    problems.push(`${where}: its service is ${span.service_name} instead of ${expected.service}`);
  for (const [key, value] of Object.entries(expected.tags)) {
    const actual = span.tags[key];
    const right =
      value === ANY.string
        ? typeof actual === 'string' && actual !== ''
        : value === ANY.number
          ? typeof actual === 'number'
          : actual === value;
    if (!right)
      problems.push(`${where}: its tag ${key} is ${JSON.stringify(actual)} instead of ${JSON.stringify(value)}`);
  }
  const below = (children.get(span.span_id) ?? []).toSorted((a, b) => a.start_us - b.start_us);
  const wanted = expected.children ?? [];
  if (below.length !== wanted.length) {
    problems.push(
      `${where}: has [${below.map((child) => child.operation_name).join(', ')}] below it instead of [${wanted.map((child) => child.name).join(', ')}]`,
    );
    return;
  }
  below.forEach((child, i) => {
    compare(child, wanted[i], children, problems);
    const early = span.start_us - child.start_us;
    const late = child.start_us + child.duration_us - (span.start_us + span.duration_us);
    if (early > TOLERANCE_US || (late > TOLERANCE_US && wanted[i].async !== true)) {
      problems.push(
        `${child.operation_name} (${child.resource}) sticks out of ${where} by ${Math.max(early, late)} us`,
      );
    }
  });
}

function countSpans(expected: Expected): number {
  return 1 + (expected.children ?? []).reduce((sum, child) => sum + countSpans(child), 0);
}
