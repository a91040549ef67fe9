import { Status, type SpanData } from '@forge/core';
import { clampDurationUs, clampUnixUs } from '../encode/time.ts';
import { addTagFacts, MAX_TAG_FACTS, shapeOf, TOO_MANY_TAGS } from './facts.ts';

/** What one batch adds to one trace's summary. Merging deltas in any order gives the same summary. */
export interface TraceDelta {
  readonly traceId: string;
  startUs: number;
  endUs: number;
  spans: number;
  errors: number;
  longestUs: number;
  /** Service to [spans, errors]. */
  readonly services: Map<string, [spans: number, errors: number]>;
  /** The earliest span; at the same microsecond one without a parent, then the smaller id. */
  first: SpanData;
  readonly facts: Set<number>;
  tagFacts: number;
}

/** Adds a span to the deltas of its batch. Values are as the columns hold them, so that sums over rows agree. */
export function addToDeltas(deltas: Map<string, TraceDelta>, span: SpanData): void {
  const startUs = clampUnixUs(span.startUnixUs);
  const durationUs = clampDurationUs(span.durationUs);
  const { traceId } = span;
  let delta = deltas.get(traceId);
  if (delta === undefined) {
    delta = {
      traceId,
      startUs,
      endUs: startUs + durationUs,
      spans: 0,
      errors: 0,
      longestUs: durationUs,
      services: new Map(),
      first: span,
      facts: new Set(),
      tagFacts: 0,
    };
    deltas.set(traceId, delta);
  } else {
    if (isEarlier(span, startUs, delta)) delta.first = span;
    if (startUs < delta.startUs) delta.startUs = startUs;
    if (startUs + durationUs > delta.endUs) delta.endUs = startUs + durationUs;
    if (durationUs > delta.longestUs) delta.longestUs = durationUs;
  }
  const failed = span.status === Status.error ? 1 : 0;
  delta.spans++;
  delta.errors += failed;
  const shape = shapeOf(span);
  const counted = delta.services.get(shape.service);
  if (counted === undefined) delta.services.set(shape.service, [1, failed]);
  else {
    counted[0]++;
    counted[1] += failed;
  }
  for (const fact of shape.facts) delta.facts.add(fact);
  addFactsOfTags(delta, span);
}

function isEarlier(span: SpanData, startUs: number, delta: TraceDelta): boolean {
  if (startUs !== delta.startUs) return startUs < delta.startUs;
  const { first } = delta;
  if ((span.parentSpanId === undefined) !== (first.parentSpanId === undefined)) return span.parentSpanId === undefined;
  return span.spanId < first.spanId;
}

function addFactsOfTags(delta: TraceDelta, span: SpanData): void {
  const { facts } = delta;
  if (delta.tagFacts > MAX_TAG_FACTS) return;
  const before = facts.size;
  addTagFacts(facts, span.attributes);
  delta.tagFacts += facts.size - before;
  if (delta.tagFacts > MAX_TAG_FACTS) facts.add(TOO_MANY_TAGS);
}
