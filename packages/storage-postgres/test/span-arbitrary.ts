import { Status, type Kind, type SpanData } from '@forge/core';
import type { TraceQuery } from '@forge/storage';
import fc from 'fast-check';

/** Whole hours of the recent past; spans lie within some hours of it. */
export const BASE_US = (Math.floor(Date.now() / 3_600_000) - 30) * 3_600_000_000;
const HOUR_US = 3_600_000_000;

const services = ['alpha', 'beta', 'gamma'];
const names = ['http.request', 'db.query', 'job.execute'];
const resources = ['GET /a', 'SELECT a', 'send'];

/** Where in time a trace begins, and what its id tells of it: made by Forge, foreign, of 64 bits, or by a wrong clock. */
const traceArbitrary = fc.record({
  number: fc.integer({ min: 1, max: 25 }),
  hour: fc.integer({ min: 0, max: 3 }),
});

/** The same number is the same trace: spans of one trace come apart, in several batches. */
function traceIdOf(number: number, hour: number): string {
  const tail = number.toString(16).padStart(24, '0');
  switch (number % 5) {
    case 0:
      return number.toString(16).padStart(16, 'a');
    case 1:
      return `ffffff0${number % 10}${tail}`;
    case 2:
      // An id of hours before or after.
      return (
        Math.floor((BASE_US + (hour + 2) * HOUR_US) / 1_000_000)
          .toString(16)
          .padStart(8, '0') + tail
      );
    default:
      return (
        Math.floor((BASE_US + hour * HOUR_US) / 1_000_000)
          .toString(16)
          .padStart(8, '0') + tail
      );
  }
}

const tagValue = fc.oneof(
  fc.constantFrom('x', 'y', '1', 'true', 'needle in hay', '%_'),
  fc.integer({ min: 0, max: 2 }),
  fc.boolean(),
  fc.constantFrom(0.5, 1e21, 1e-7, -1),
  fc.array(fc.constantFrom('x', 'z'), { maxLength: 2 }),
);

const offsetUs = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 5_000_000 }) },
  // A late job, a wrong clock.
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 3 * HOUR_US }) },
  { weight: 1, arbitrary: fc.integer({ min: -HOUR_US, max: 0 }) },
  { weight: 2, arbitrary: fc.constantFrom(0, 1, 1000) },
);

export const spanArbitrary: fc.Arbitrary<SpanData> = fc
  .record({
    trace: traceArbitrary,
    spanNumber: fc.integer({ min: 1, max: 12 }),
    parentNumber: fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined }),
    service: fc.constantFrom(...services),
    name: fc.constantFrom(...names),
    resource: fc.constantFrom(...resources),
    kind: fc.integer({ min: 0, max: 4 }),
    offsetUs,
    durationUs: fc.oneof(
      fc.integer({ min: 0, max: 5 }),
      fc.integer({ min: 0, max: 3_000_000 }),
      fc.integer({ min: 0, max: 5 * HOUR_US }),
    ),
    status: fc.constantFrom(Status.unset, Status.ok, Status.error),
    statusMessage: fc.option(fc.constantFrom('Deadlock', 'needle'), { nil: undefined }),
    tags: fc.dictionary(fc.constantFrom('a', 'b', 'c'), tagValue, { maxKeys: 3 }),
    weight: fc.constantFrom(1, 1, 10),
  })
  .map((made) => {
    // One hour a trace, whichever the generator gave.
    const hour = (made.trace.number * 7) % 4;
    return {
      traceId: traceIdOf(made.trace.number, hour),
      spanId: made.spanNumber.toString(16).padStart(16, '0'),
      parentSpanId: made.parentNumber?.toString(16).padStart(16, '0'),
      name: made.name,
      resource: made.resource,
      kind: made.kind as Kind,
      startUnixUs: BASE_US + hour * HOUR_US + made.offsetUs,
      durationUs: made.durationUs,
      status: made.status,
      statusMessage: made.statusMessage,
      attributes: Object.entries(made.tags).flat(),
      events: [],
      links: [],
      origin: originOf(made.service),
      scope: SCOPE,
      traceState: undefined,
      flags: 3,
      weight: made.weight,
      droppedAttributes: 0,
      droppedEvents: 0,
      droppedLinks: 0,
    };
  });

const SCOPE = { name: 'test', version: undefined, attributes: [] };
const origins = new Map(
  services.map((serviceName) => [serviceName, { serviceName, nodeId: undefined, attributes: [] }]),
);
const originOf = (service: string) => origins.get(service)!;

const timeUs = fc.integer({ min: -2 * HOUR_US, max: 9 * HOUR_US }).map((offset) => BASE_US + offset);
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 3 });

export const queryArbitrary: fc.Arbitrary<Omit<TraceQuery, 'cursor'>> = fc
  .record({
    operation: maybe(fc.constantFrom(...names, ...resources, 'absent')),
    service: maybe(fc.constantFrom(...services, 'absent')),
    minDurationUs: maybe(fc.oneof(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 3_000_000 }))),
    maxDurationUs: maybe(fc.oneof(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 3_000_000 }))),
    status: maybe(fc.constantFrom('ok' as const, 'error' as const)),
    tags: maybe(
      fc.array(
        fc.tuple(
          fc.constantFrom('a', 'b', 'c'),
          fc.constantFrom('x', 'y', 'z', '1', 'true', '0', '0.5', '1e+21', '1e-7', '1.0'),
        ),
        { minLength: 1, maxLength: 2 },
      ),
    ),
    text: maybe(fc.constantFrom('NEEDLE', 'select', 'x', '%', '_', 'true', 'dead')),
    startUnixUs: maybe(timeUs),
    endUnixUs: maybe(timeUs),
    sort: fc.constantFrom(
      'newest' as const,
      'longest' as const,
      'longest_span' as const,
      'most_errors' as const,
      'most_spans' as const,
    ),
    limit: fc.constantFrom(1, 2, 3, 5, 50),
  })
  .map(
    (query) =>
      Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined)) as unknown as Omit<
        TraceQuery,
        'cursor'
      >,
  );
