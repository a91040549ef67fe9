import fc from 'fast-check';
import type { SpanSketch } from './table-of.ts';

/** Small traces of any shape: any parents (cycles and missing ones too), any times, zero durations, a few services. */
export function randomSketches(): fc.Arbitrary<SpanSketch[]> {
  return fc
    .array(
      fc.record({
        parent: fc.option(fc.nat(12), { nil: undefined }),
        start: fc.nat(40),
        duration: fc.oneof(fc.constant(0), fc.nat(40)),
        service: fc.constantFrom('gateway', 'worker', 'db'),
        resource: fc.constantFrom('x', 'y'),
        process: fc.constantFrom('p1', 'p2', undefined),
        kind: fc.nat(4),
        status: fc.constantFrom(0, 0, 0, 2),
      }),
      { minLength: 1, maxLength: 12 },
    )
    .map((spans) =>
      spans.map(({ parent, process, ...span }, i) => ({
        ...span,
        name: `s${i}`,
        ...(parent === undefined ? {} : { parent: `s${parent}` }),
        ...(process === undefined ? {} : { process }),
      })),
    );
}
