import { STATUS_ERROR } from './span-table.ts';
import type { Trace } from './trace.ts';

/** Services and the calls between them. */
export interface ServiceGraph {
  /** What `spans` counts: spans of one trace, or calls that reached the service. */
  readonly unit: 'span' | 'call';
  readonly services: readonly { readonly name: string; readonly spans: number; readonly errors: number }[];
  readonly edges: readonly ServiceEdge[];
}

export interface ServiceEdge {
  readonly from: string;
  readonly to: string;
  readonly calls: number;
  readonly errors: number;
  /** Mean duration of the called spans. */
  readonly meanUs: number;
}

/** The calls of one trace: every span whose parent belongs to another service. Linear. */
export function serviceGraph(trace: Trace): ServiceGraph {
  const edges = new Map<string, { from: number; to: number; calls: number; errors: number; totalUs: number }>();
  for (let node = 0; node < trace.count; node++) {
    const parent = trace.parent[node];
    if (parent < 0) continue;
    const from = trace.service[parent];
    const to = trace.service[node];
    if (from < 0 || to < 0 || from === to) continue;
    const key = `${from},${to}`;
    let edge = edges.get(key);
    if (edge === undefined) edges.set(key, (edge = { from, to, calls: 0, errors: 0, totalUs: 0 }));
    edge.calls++;
    edge.totalUs += trace.duration[node];
    if (trace.status[node] === STATUS_ERROR) edge.errors++;
  }
  const text = (at: number): string => trace.strings[at] ?? '';
  return {
    unit: 'span',
    services: trace.services.map(({ name, spans, errors }) => ({ name, spans, errors })),
    edges: [...edges.values()].map(({ from, to, calls, errors, totalUs }) => ({
      from: text(from),
      to: text(to),
      calls,
      errors,
      meanUs: totalUs / calls,
    })),
  };
}
