import type { TraceJson } from '@forge/query';
import { setTimeout as sleep } from 'node:timers/promises';

/** An order that the demo sends, and what it is to show. */
export interface DemoOrder {
  readonly title: string;
  readonly body: { readonly item: string; readonly amount: number };
  readonly status: number;
  /** Whether its trace is whole. */
  readonly complete: (trace: TraceJson) => boolean;
}

const has = (trace: TraceJson, name: string): boolean => trace.spans.some((span) => span.operation_name === name);

export const ORDERS: readonly DemoOrder[] = [
  {
    title: 'an order that succeeds',
    body: { item: 'tea', amount: 1250 },
    status: 201,
    complete: (trace) => has(trace, 'http.request') && has(trace, 'job.execute') && has(trace, 'job.dispatch'),
  },
  {
    title: 'an order that the payment service declines',
    body: { item: 'grand piano', amount: 9_900_000 },
    status: 402,
    complete: (trace) => has(trace, 'http.request') && has(trace, 'function.execute'),
  },
  {
    title: 'a slow order',
    body: { item: 'slow boat', amount: 4900 },
    status: 201,
    complete: (trace) => has(trace, 'http.request') && has(trace, 'job.execute') && has(trace, 'job.dispatch'),
  },
];

const TRACE_WITHIN_MS = 20_000;

/** Sends the order through the gateway and reads its trace back through the API. */
export async function placeOrder(gatewayUrl: string, order: DemoOrder): Promise<TraceJson> {
  const start = new Date(Date.now() - 1).toISOString();
  const answer = await fetch(`${gatewayUrl}/api/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer user-123' },
    body: JSON.stringify(order.body),
  });
  const text = await answer.text();
  if (answer.status !== order.status)
    throw new Error(`the gateway answered ${answer.status} instead of ${order.status}: ${text}`);
  return readTrace(gatewayUrl, start, order);
}

async function readTrace(gatewayUrl: string, start: string, order: DemoOrder): Promise<TraceJson> {
  const deadline = Date.now() + TRACE_WITHIN_MS;
  let last = 'no trace was stored';
  while (Date.now() < deadline) {
    const query = new URLSearchParams({ operation: 'POST /api/orders', service: 'gateway', start, limit: '1' });
    const found = await getJson<{ traces: { trace_id: string }[] }>(`${gatewayUrl}/_api/traces?${query.toString()}`);
    const id = found.traces[0]?.trace_id;
    if (id !== undefined) {
      const trace = await getJson<TraceJson>(`${gatewayUrl}/_api/traces/${id}`);
      if (order.complete(trace)) return trace;
      last = `only [${trace.spans.map((span) => span.operation_name).join(', ')}] were stored`;
    }
    await sleep(100);
  }
  throw new Error(`${order.title}: ${last} within ${TRACE_WITHIN_MS / 1000} s`);
}

async function getJson<T>(url: string): Promise<T> {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as T;
}
