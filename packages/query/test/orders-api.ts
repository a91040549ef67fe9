import { Status } from '@forge/core';
import { makeSpan } from '@forge/testing';
import { createQueryHandler, type QueryOptions } from '../src/handler.ts';
import { storeOf } from './store-of.ts';

export const TRACE = '0af7651916cd43dd8448eb211c80319c';
export const START_US = Date.UTC(2026, 10, 22, 17, 48, 28) * 1000 + 123_456;

export const root = makeSpan({
  traceId: TRACE,
  spanId: 'b7ad6b7169203331',
  resource: 'POST /api/orders',
  startUnixUs: START_US,
  durationUs: 150_600,
  kind: 1,
  attributes: ['method', 'POST', 'ratio', Number.NaN, '__proto__', 1],
  origin: { serviceName: 'gateway', nodeId: '00000000-0000-4000-8000-000000000001', attributes: ['host.name', 'a'] },
});
export const child = makeSpan({
  traceId: TRACE,
  spanId: 'b7ad6b7169203332',
  parentSpanId: root.spanId,
  name: 'function.execute',
  resource: 'create_order',
  startUnixUs: START_US + 20_000,
  durationUs: 1_000_000,
  status: Status.error,
  statusMessage: 'declined',
  events: [
    {
      name: 'exception',
      unixUs: START_US + 30_000,
      attributes: ['exception.message', 'declined'],
      droppedAttributes: 0,
    },
  ],
  links: [
    {
      traceId: 'f'.repeat(32),
      spanId: 'e'.repeat(16),
      traceState: undefined,
      flags: 1,
      attributes: ['why', 'retry'],
      droppedAttributes: 0,
    },
  ],
});
export const orphan = makeSpan({
  traceId: '00000000000000000000000000000abc',
  parentSpanId: '1111111111111111',
  durationUs: 5,
});
export const store = await storeOf([root, child, orphan]);

/** The API over one order whose function failed, and one span without its parent. */
export function api(options: Partial<QueryOptions> = {}) {
  const handler = createQueryHandler({ store, ...options });
  return (path: string, init?: RequestInit) => handler(new Request(`http://localhost${path}`, init));
}

export async function body<T>(response: Promise<Response>): Promise<T> {
  return (await (await response).json()) as T;
}
