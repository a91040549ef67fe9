import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { declinedOrder, spanJson, traceJson } from '../test/reference-trace.ts';
import { displayWidth } from './display-text.ts';
import { renderWaterfall, type WaterfallOptions } from './waterfall.ts';

function lines(trace = declinedOrder(), options: Partial<WaterfallOptions> = {}): string[] {
  return renderWaterfall(trace, { width: 100, color: false, ...options }).split('\n');
}

/** The names of the rows, without numbers and bars. */
function names(trace: ReturnType<typeof declinedOrder>, options: Partial<WaterfallOptions>): string[] {
  const all = lines(trace, { width: 200, ...options });
  return all
    .slice(all.findIndex((line) => line.startsWith('  span ')) + 1)
    .map((line) => line.split(/ {2,}(?=gateway|function-executor)/)[0].trimEnd());
}

it('draws the tree with services, offsets, durations, bars, and why spans failed', () => {
  expect(lines(declinedOrder(), { width: 110 })).toMatchInlineSnapshot(`
    [
      "http.request POST /api/orders",
      "trace 692123ec0af7651916cd43dd8448eb21  2026-11-22 17:48:28.123 UTC",
      "192 ms, 10 spans, 2 services, 4 errors, kept: error",
      "",
      "  span                                         service               start  duration  0                 192 ms",
      "✗ http.request POST /api/orders                gateway                   0    150 ms  ██████████████████▊",
      "  HTTP 402",
      "  ├─ auth.verify                               gateway             5.00 ms   10.0 ms  ▐▉",
      "✗ └─ grpc.call forge.Functions/Execute         gateway             18.0 ms    124 ms    ███████████████▊",
      "✗    └─ grpc.call forge.Functions/Execute      function-executor   19.0 ms    122 ms    ███████████████▋",
      "✗       └─ function.execute create_order       function-executor   20.0 ms    120 ms    ▐██████████████▌",
      "           card was declined",
      "           ├─ db.query SELECT users            function-executor   25.0 ms   5.00 ms     ▊",
      "           ├─ http.client POST payments        function-executor   35.0 ms   65.0 ms      ████████▌",
      "           ├─ db.query INSERT orders           function-executor    105 ms   15.0 ms               ██",
      "           └─ job.dispatch send_confirmation   function-executor    125 ms   3.00 ms                 ▐",
      "              └─ job.execute send_confirmati…  function-executor    180 ms   12.0 ms                        ▐█",
    ]
  `);
});

it('cuts no trace id, however narrow the terminal', () => {
  expect(lines(declinedOrder(), { width: 40 })[1]).toBe(declinedOrder().trace_id);
});

it('marks errors without colours too, and paints them red where colours are wanted', () => {
  const failed = lines().filter((line) => line.startsWith('✗'));
  expect(failed).toHaveLength(4);
  const painted = lines(declinedOrder(), { color: true });
  expect(painted.filter((line) => line.startsWith('\u001b[31m✗'))).toHaveLength(4);
  // oxlint-disable-next-line no-control-regex
  expect(painted.map((line) => line.replace(/\u001b\[\d+m/g, '').trimEnd())).toEqual(lines());
});

describe('what is shown', () => {
  it('takes runs of equal spans together', () => {
    const queries = Array.from({ length: 37 }, (_, i) =>
      spanJson({ id: i + 2, parent: 1, operation_name: 'db.query', resource: 'SELECT users', at: i * 10 }),
    );
    const trace = traceJson([
      spanJson({ id: 1, us: 9000 }),
      ...queries,
      spanJson({ id: 90, parent: 1, at: 5000 }),
      spanJson({ id: 91, parent: 1, at: 5001 }),
    ]);
    expect(names(trace, { collapse: true })).toEqual([
      '  work',
      '  ├─ db.query SELECT users ×37',
      '  ├─ work',
      '  └─ work',
    ]);
    expect(names(trace, {})).toHaveLength(40);
  });

  it('shows failed spans and what leads to them', () => {
    expect(names(declinedOrder(), { onlyErrors: true })).toEqual([
      '✗ http.request POST /api/orders',
      '  HTTP 402',
      '✗ └─ grpc.call forge.Functions/Execute',
      '✗    └─ grpc.call forge.Functions/Execute',
      '✗       └─ function.execute create_order',
      '           card was declined',
    ]);
  });

  it('shows what the trace waited for, and how long', () => {
    const shown = lines(declinedOrder(), { criticalPath: true, width: 120 });
    expect(shown.some((line) => line.includes('job.execute'))).toBe(false);
    expect(shown.find((line) => line.includes('http.client'))).toContain('65.0 ms   65.0 ms');
    expect(shown.find((line) => line.includes('http.request POST') && line.includes('█'))).toContain(
      '150 ms   16.0 ms',
    );
  });

  it('counts what lies below the depth that was asked for', () => {
    expect(names(declinedOrder(), { maxDepth: 1 })).toEqual([
      '✗ http.request POST /api/orders',
      '  HTTP 402',
      '  ├─ auth.verify',
      '✗ └─ grpc.call forge.Functions/Execute (+7)',
    ]);
  });

  it('says so when nothing is left to show', () => {
    expect(lines(traceJson([spanJson({ id: 1 })]), { onlyErrors: true }).at(-1)).toBe('  no span to show');
  });
});

it('says plainly what is missing', () => {
  const trace = traceJson([spanJson({ id: 2, parent: 1 })], {
    gaps: [{ node_id: 'node-7', reason: 'the ring had forgotten it', time: '2026-11-22T17:48:28.123456Z' }],
    missing_parents: ['0000000000000001'],
  });
  const text = lines(trace).join('\n');
  expect(text).toContain('! a part is missing: node node-7, the ring had forgotten it');
  expect(text).toContain('! 1 parent not stored: 0000000000000001');
});

it('draws a trace in which nothing took any time', () => {
  const trace = traceJson([spanJson({ id: 1, us: 0 }), spanJson({ id: 2, parent: 1, us: 0 })]);
  expect(lines(trace).filter((line) => line.includes('▏'))).toHaveLength(2);
});

it('sends nothing to the terminal that it would act on', () => {
  const evil = '\u001b]0;owned\u0007\r\n\u202e';
  const trace = traceJson([
    spanJson({
      id: 1,
      operation_name: evil,
      resource: evil,
      service_name: evil,
      status: 'error',
      status_message: `x${evil}`,
    }),
  ]);
  // oxlint-disable-next-line no-control-regex
  expect(lines({ ...trace, kept: evil }).join('')).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
});

it('keeps every line within the width, whatever the names, depths and times', () => {
  const names = fc.oneof(
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }),
    fc.constantFrom('http.request', '注文番号を取得する', '👩‍👩‍👧‍👦'),
  );
  const specs = fc.array(
    fc.record({
      parent: fc.nat(40),
      at: fc.nat(1e7),
      us: fc.nat(1e7),
      name: names,
      resource: names,
      service: names,
      isError: fc.boolean(),
    }),
    {
      minLength: 1,
      maxLength: 25,
    },
  );
  fc.assert(
    fc.property(
      specs,
      fc.integer({ min: 32, max: 250 }),
      fc.boolean(),
      fc.boolean(),
      (all, width, collapse, isCritical) => {
        const spans = all.map(({ parent, at, us, name, resource, service, isError }, i) =>
          spanJson({
            id: i + 1,
            ...(i === 0 ? {} : { parent: (parent % i) + 1 }),
            at,
            us,
            operation_name: name,
            resource,
            service_name: service,
            status: isError ? 'error' : 'ok',
            status_message: isError ? name : null,
          }),
        );
        for (const line of lines(traceJson(spans), { width, collapse, criticalPath: isCritical }))
          expect(displayWidth(line)).toBeLessThanOrEqual(width);
      },
    ),
  );
});

it('draws 100,000 siblings and a chain of 70,000 levels', () => {
  const siblings = Array.from({ length: 100_000 }, (_, i) => spanJson({ id: i + 2, parent: 1, at: i }));
  expect(names(traceJson([spanJson({ id: 1, us: 1e6 }), ...siblings].slice(0, 100_001)), { collapse: true })).toEqual([
    '  work',
    '  └─ work ×100000',
  ]);
  const chain = Array.from({ length: 70_000 }, (_, i) => spanJson({ id: i + 1, ...(i === 0 ? {} : { parent: i }) }));
  expect(lines(traceJson(chain), { maxDepth: 100 })).toHaveLength(106);
});
