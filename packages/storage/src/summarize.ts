import { Status, type SpanData } from '@forge/core';
import type { TraceSummary } from './contract.ts';

/** What `summarize` reads of a span: less than a whole one, so that stores may fetch less. */
export type SpanOutline = Pick<
  SpanData,
  'spanId' | 'parentSpanId' | 'name' | 'resource' | 'startUnixUs' | 'durationUs' | 'status'
> & { readonly service: string };

/**
 * The summary of a trace over all its stored spans, at least one.
 * @param longestMatchUs of the spans that the query matched
 */
export function summarize(
  traceId: string,
  spans: readonly SpanOutline[],
  kept: string,
  longestMatchUs: number,
): TraceSummary {
  const ids = new Set(spans.map((span) => span.spanId));
  const services = new Map<string, { name: string; spans: number; errors: number }>();
  let root: SpanOutline | undefined;
  let startUnixUs = Number.POSITIVE_INFINITY;
  let endUnixUs = Number.NEGATIVE_INFINITY;
  let errors = 0;
  for (const span of spans) {
    startUnixUs = Math.min(startUnixUs, span.startUnixUs);
    endUnixUs = Math.max(endUnixUs, span.startUnixUs + span.durationUs);
    const failed = span.status === Status.error ? 1 : 0;
    errors += failed;
    let service = services.get(span.service);
    if (service === undefined) services.set(span.service, (service = { name: span.service, spans: 0, errors: 0 }));
    service.spans++;
    service.errors += failed;
    const orphan = span.parentSpanId === undefined || !ids.has(span.parentSpanId);
    if (orphan && (root === undefined || isEarlierRoot(span, root))) root = span;
  }
  // Every span has a stored parent: a ring of ids, which no tracer makes. The earliest one stands for it.
  root ??= spans.reduce((first, span) => (isEarlierRoot(span, first) ? span : first));
  return {
    traceId,
    root: {
      name: root.name,
      resource: root.resource,
      service: root.service,
      status: root.status === Status.error ? 'error' : 'ok',
    },
    startUnixUs,
    durationUs: endUnixUs - startUnixUs,
    spans: spans.length,
    errors,
    services: [...services.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    kept,
    longestMatchUs,
  };
}

/** Roots are ordered by start; at the same microsecond one without a parent id comes first, then the smaller id. */
function isEarlierRoot(a: SpanOutline, b: SpanOutline): boolean {
  if (a.startUnixUs !== b.startUnixUs) return a.startUnixUs < b.startUnixUs;
  if ((a.parentSpanId === undefined) !== (b.parentSpanId === undefined)) return a.parentSpanId === undefined;
  return a.spanId < b.spanId;
}
