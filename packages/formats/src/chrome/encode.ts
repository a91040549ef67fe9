import { attributesToObject, Kind, Status, type SpanData } from '@forge/core';
import { jsonText } from '../model/value-text.ts';

/**
 * Chrome's trace event format: opens in Perfetto, chrome://tracing and speedscope. One process a service and node; within
 * it, spans that overlap without nesting stand in lanes of their own. Written only: it holds no ids of its own.
 * https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
 */
export function encodeChromeTrace(spans: readonly SpanData[]): string {
  const processes = new Map<string, { readonly id: number; readonly spans: SpanData[] }>();
  for (const span of spans) {
    const key = `${span.origin.serviceName}\0${span.origin.nodeId ?? ''}`;
    const process = processes.get(key);
    if (process === undefined) processes.set(key, { id: processes.size + 1, spans: [span] });
    else process.spans.push(span);
  }
  const events: unknown[] = [];
  for (const { id, spans: own } of processes.values()) {
    const { serviceName, nodeId } = own[0].origin;
    const name = nodeId === undefined ? serviceName : `${serviceName} ${nodeId.slice(0, 8)}`;
    events.push({ ph: 'M', name: 'process_name', pid: id, tid: 0, args: { name } });
    addSpans(events, id, own);
  }
  return jsonText({ traceEvents: events, displayTimeUnit: 'ms' });
}

function addSpans(events: unknown[], pid: number, spans: readonly SpanData[]): void {
  const sorted = spans.toSorted((a, b) => a.startUnixUs - b.startUnixUs || b.durationUs - a.durationUs);
  // The ends of the spans that are open in each lane, the innermost last.
  const lanes: number[][] = [];
  for (const span of sorted) {
    const endUs = span.startUnixUs + span.durationUs;
    const tid = laneOf(lanes, span.startUnixUs, endUs) + 1;
    events.push({
      ph: 'X',
      name: span.resource === span.name ? span.name : `${span.name} ${span.resource}`,
      cat: span.status === Status.error ? `${KIND_NAMES[span.kind]},error` : KIND_NAMES[span.kind],
      ts: span.startUnixUs,
      dur: span.durationUs,
      pid,
      tid,
      ...(span.status === Status.error ? { cname: 'terrible' } : {}),
      args: argsOf(span),
    });
    for (const { name, unixUs, attributes } of span.events)
      events.push({ ph: 'i', s: 't', name, ts: unixUs, pid, tid, args: attributesToObject(attributes) });
  }
}

const KIND_NAMES: Readonly<Record<Kind, string>> = {
  [Kind.internal]: 'internal',
  [Kind.server]: 'server',
  [Kind.client]: 'client',
  [Kind.producer]: 'producer',
  [Kind.consumer]: 'consumer',
};

/** The first lane where the span nests; spans come by start, so only ends need to be known. */
function laneOf(lanes: number[][], startUs: number, endUs: number): number {
  for (const [i, open] of lanes.entries()) {
    while (open.length > 0 && open.at(-1)! <= startUs) open.pop();
    if (open.length === 0 || endUs <= open.at(-1)!) {
      open.push(endUs);
      return i;
    }
  }
  return lanes.push([endUs]) - 1;
}

function argsOf(span: SpanData): Record<string, unknown> {
  return {
    trace_id: span.traceId,
    span_id: span.spanId,
    parent_span_id: span.parentSpanId,
    status_message: span.statusMessage,
    ...attributesToObject(span.attributes),
  };
}
