import { Status, type SpanData } from '@forge/core';
import type { StoredTrace } from '@forge/storage';
import { selfTimesUs, spanTree } from './span-tree.ts';
import { traceToJson, type TraceJson } from './trace-json.ts';

/** Two traces laid over each other, as `GET /_api/compare?a=&b=` answers it. */
export interface ComparisonJson {
  a: ComparedTraceJson;
  b: ComparedTraceJson;
  /** Parents before their children; children by when they first started. */
  nodes: ComparedNodeJson[];
}

export type ComparedTraceJson = Omit<TraceJson, 'spans' | 'missing_parents' | 'gaps'>;

/** All spans of one kind in one place: same ancestors, service, operation and resource. */
export interface ComparedNodeJson {
  /** Position of the parent in `nodes`; -1 for a root. */
  parent: number;
  depth: number;
  operation_name: string;
  resource: string;
  service_name: string;
  /** null where the trace has no such span. */
  a: ComparedSpansJson | null;
  b: ComparedSpansJson | null;
}

export interface ComparedSpansJson {
  spans: number;
  errors: number;
  /** Sums over the spans; `self_us` without the time in which children ran. */
  duration_us: number;
  self_us: number;
}

interface Group {
  readonly span: SpanData;
  readonly children: Map<string, Group>;
  readonly sides: { a: ComparedSpansJson | null; b: ComparedSpansJson | null };
  /** From the trace's start, in the first trace that has it. */
  readonly offsetUs: number;
}

/** What is slower, fails, is missing or new in `b` against `a`: spans are matched by where they are, not by id. */
export function compareTraces(a: StoredTrace, b: StoredTrace): ComparisonJson {
  const roots = new Map<string, Group>();
  addTrace(roots, a, 'a');
  addTrace(roots, b, 'b');
  return { a: headerOf(a), b: headerOf(b), nodes: flatten(roots) };
}

function addTrace(roots: Map<string, Group>, trace: StoredTrace, side: 'a' | 'b'): void {
  const { spans } = trace;
  const tree = spanTree(spans);
  const selfUs = selfTimesUs(spans, tree);
  const startUs = spans.reduce((first, span) => Math.min(first, span.startUnixUs), Infinity);
  const groupOf: Group[] = [];
  for (const row of tree.order) {
    const span = spans[row];
    const among = tree.parent[row] === -1 ? roots : groupOf[tree.parent[row]].children;
    const key = JSON.stringify([span.origin.serviceName, span.name, span.resource, span.kind]);
    let group = among.get(key);
    if (group === undefined) {
      group = { span, children: new Map(), sides: { a: null, b: null }, offsetUs: span.startUnixUs - startUs };
      among.set(key, group);
    }
    groupOf[row] = group;
    const sums = (group.sides[side] ??= { spans: 0, errors: 0, duration_us: 0, self_us: 0 });
    sums.spans++;
    if (span.status === Status.error) sums.errors++;
    sums.duration_us += span.durationUs;
    sums.self_us += selfUs[row];
  }
}

function flatten(roots: ReadonlyMap<string, Group>): ComparedNodeJson[] {
  const nodes: ComparedNodeJson[] = [];
  const open: { group: Group; parent: number; depth: number }[] = [];
  const push = (groups: ReadonlyMap<string, Group>, parent: number, depth: number): void => {
    const latestFirst = [...groups.values()].sort((one, other) => other.offsetUs - one.offsetUs);
    for (const group of latestFirst) open.push({ group, parent, depth });
  };
  push(roots, -1, 0);
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { group, parent, depth } = next;
    const { span, sides } = group;
    const position =
      nodes.push({
        parent,
        depth,
        operation_name: span.name,
        resource: span.resource,
        service_name: span.origin.serviceName,
        a: sides.a,
        b: sides.b,
      }) - 1;
    push(group.children, position, depth + 1);
  }
  return nodes;
}

function headerOf(trace: StoredTrace): ComparedTraceJson {
  const { spans: _spans, missing_parents: _parents, gaps: _gaps, ...header } = traceToJson(trace, []);
  return header;
}
