import { Kind, Status, type SpanData } from '@forge/core';
import { makeSpan } from '@forge/testing';
import fc from 'fast-check';
import type { SearchQuestion } from './oracle.ts';

/** Where the random spans' times begin. */
export const EPOCH_US = Date.UTC(2026, 5, 1, 10, 58) * 1000;
const MINUTE_US = 60e6;

const OPERATIONS = ['http.request', 'db.query', 'create_order'];
const SERVICES = ['gateway', 'worker', 'payment'];
const USERS = ['7', 'User-7', '8'];

/** Few names and times, so that spans meet: in traces, minutes, values and at the bounds of filters. */
const span = fc.record({
  trace: fc.integer({ min: 1, max: 9 }),
  id: fc.integer({ min: 1, max: 12 }),
  parent: fc.integer({ min: 0, max: 14 }),
  name: fc.constantFrom(...OPERATIONS),
  resource: fc.constantFrom(...OPERATIONS),
  service: fc.constantFrom(...SERVICES),
  kind: fc.constantFrom(...Object.values(Kind)),
  minute: fc.nat(6),
  us: fc.nat(3),
  durationUs: fc.oneof(fc.nat(3), fc.nat(3_000_000), fc.constantFrom(1000, 999_999, 1_000_000)),
  status: fc.constantFrom(Status.unset, Status.ok, Status.error),
  message: fc.option(fc.constantFrom('card declined', 'Timeout'), { nil: undefined }),
  user: fc.option(
    fc.oneof(fc.constantFrom(...USERS), fc.integer({ min: 7, max: 8 }), fc.constant(true), fc.constant(['7', 'x'])),
    {
      nil: undefined,
    },
  ),
});

export const randomSpans: fc.Arbitrary<SpanData[]> = fc
  .uniqueArray(span, { selector: ({ trace, id }) => trace * 100 + id, minLength: 1, maxLength: 40 })
  .map((drawn) =>
    drawn.map((one) =>
      makeSpan({
        traceId: one.trace.toString(16).padStart(32, 'a'),
        spanId: one.id.toString(16).padStart(16, '0'),
        parentSpanId: one.parent === 0 ? undefined : one.parent.toString(16).padStart(16, '0'),
        name: one.name,
        resource: one.resource,
        kind: one.kind,
        startUnixUs: EPOCH_US + one.minute * MINUTE_US + one.us,
        durationUs: one.durationUs,
        status: one.status,
        statusMessage: one.message,
        attributes: one.user === undefined ? [] : ['user_id', one.user],
        origin: { serviceName: one.service, nodeId: undefined, attributes: [] },
      }),
    ),
  );

const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined, freq: 2 });
const time = fc.tuple(fc.nat(7), fc.nat(3)).map(([minute, us]) => EPOCH_US + minute * MINUTE_US + us);

export const randomQuestion: fc.Arbitrary<SearchQuestion> = fc
  .record({
    operation: maybe(fc.constantFrom(...OPERATIONS, 'nothing')),
    service: maybe(fc.constantFrom(...SERVICES, 'nobody')),
    min_duration: maybe(fc.constantFrom(0, 0.001, 0.002, 1, 999.999, 1000, 1000.001)),
    max_duration: maybe(fc.constantFrom(0.001, 1, 999.999, 1000, 3000)),
    status: maybe(fc.constantFrom('ok' as const, 'error' as const)),
    text: maybe(fc.constantFrom('DECLINED', 'user-', 'create', '7')),
    tags: maybe(
      fc.constantFrom(...['7', '8', 'User-7', 'true', 'x', 'none'].map((value) => [['user_id', value] as const])),
    ),
    start: maybe(time),
    end: maybe(time),
    sort: fc.constantFrom('newest', 'longest', 'longest_span', 'most_errors', 'most_spans'),
  })
  .filter(
    ({ min_duration: min, max_duration: max, start, end }) =>
      (min ?? 0) <= (max ?? Infinity) && (start ?? 0) < (end ?? Infinity),
  );

/** The question as parameters of the API. */
export function parametersOf(question: SearchQuestion): URLSearchParams {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(question))
    if (name !== 'tags' && value !== undefined) parameters.set(name, String(value));
  for (const [key, value] of question.tags ?? []) parameters.append(`tag.${key}`, value);
  return parameters;
}
