import type { SpanData } from '@forge/core';
import { makeSpan } from '@forge/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ColumnFlag } from './columns.ts';
import { findInTrace, traceToColumns, traceToLogs } from './trace-columns.ts';

const START_US = Date.UTC(2026, 0, 1) * 1000;
const event = (name: string, at: number, attributes: unknown[] = []) => ({
  name,
  unixUs: START_US + at,
  attributes,
  droppedAttributes: 0,
});
const trace = (spans: SpanData[]) => ({ traceId: 'a'.repeat(32), spans, kept: 'head', gaps: [] });
const id = (n: number) => n.toString(16).padStart(16, '0');

describe('columns', () => {
  it('hold what was stored, a row a span', () => {
    const span = fc.record({
      parent: fc.option(fc.nat(20), { nil: undefined }),
      at: fc.nat(1000),
      durationUs: fc.nat(1e9),
      name: fc.constantFrom('http.request', 'db.query'),
      resource: fc.string({ maxLength: 3 }),
      service: fc.constantFrom('gateway', 'worker'),
      node: fc.option(fc.constantFrom('n1', 'n2'), { nil: undefined }),
      kind: fc.constantFrom(0, 1, 2, 3, 4) as fc.Arbitrary<SpanData['kind']>,
      status: fc.constantFrom(0, 1, 2) as fc.Arbitrary<SpanData['status']>,
      events: fc.array(fc.nat(50), { maxLength: 3 }),
      tagged: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(span, { minLength: 1, maxLength: 20 }), (drawn) => {
        const spans = drawn.map((one, i) =>
          makeSpan({
            spanId: id(i + 1),
            parentSpanId: one.parent === undefined ? undefined : id(one.parent + 1),
            startUnixUs: START_US + one.at,
            durationUs: one.durationUs,
            name: one.name,
            resource: one.resource,
            kind: one.kind,
            status: one.status,
            origin: { serviceName: one.service, nodeId: one.node, attributes: [] },
            events: one.events.map((at) => event('log', at)),
            attributes: one.tagged ? ['a', 1] : [],
          }),
        );
        spans.sort((a, b) => a.startUnixUs - b.startUnixUs || (a.spanId < b.spanId ? -1 : 1));
        const columns = traceToColumns(trace(spans));
        expect(columns.count).toBe(spans.length);
        expect(columns.start_us).toBe(spans[0].startUnixUs);
        expect(columns.start_us + columns.duration_us).toBe(
          Math.max(...spans.map((one) => one.startUnixUs + one.durationUs)),
        );
        const missing = new Map(columns.missing_parent);
        const text = (position: number) => columns.strings[position];
        for (const [row, one] of spans.entries()) {
          const spanId = columns.span_ids.slice(row * 16, row * 16 + 16);
          const parent = columns.parent[row];
          const parentId = parent >= 0 ? columns.span_ids.slice(parent * 16, parent * 16 + 16) : missing.get(row);
          expect(parent === -2).toBe(missing.has(row));
          expect([spanId, parentId]).toEqual([one.spanId, one.parentSpanId]);
          expect([columns.start_us + columns.start[row], columns.duration[row]]).toEqual([
            one.startUnixUs,
            one.durationUs,
          ]);
          expect([text(columns.name[row]), text(columns.resource[row]), text(columns.service[row])]).toEqual([
            one.name,
            one.resource,
            one.origin.serviceName,
          ]);
          expect(columns.node[row] === -1 ? undefined : text(columns.node[row])).toBe(one.origin.nodeId);
          expect([columns.kind[row], columns.status[row]]).toEqual([one.kind, one.status]);
          expect((columns.flags[row] & ColumnFlag.tags) !== 0).toBe(one.attributes.length > 0);
          const times = columns.logs.time.filter((_, i) => columns.logs.row[i] === row);
          expect(times.map((at) => columns.start_us + at)).toEqual(
            one.events.map((log) => log.unixUs).sort((a, b) => a - b),
          );
        }
      }),
    );
  });

  it('name logs by their level, an exception, or the event', () => {
    const span = makeSpan({
      events: [
        event('log', 3, ['level', 'WARN']),
        event('exception', 1),
        event('retry', 2),
        event('log', 4, ['severity_text', 'Info']),
      ],
    });
    const { logs, strings } = traceToColumns(trace([span]));
    expect(logs.label.map((position) => strings[position])).toEqual(['exception', 'retry', 'warn', 'info']);
  });

  it('say what a span has besides its bar', () => {
    const bare = makeSpan({ attributes: [] });
    const full = makeSpan({
      attributes: ['a', 1],
      events: [event('log', 0)],
      links: [
        {
          traceId: 'b'.repeat(32),
          spanId: id(1),
          traceState: undefined,
          flags: 1,
          attributes: [],
          droppedAttributes: 0,
        },
      ],
      statusMessage: 'declined',
      droppedEvents: 1,
    });
    expect(traceToColumns(trace([bare, full])).flags).toEqual([0, 31]);
  });
});

it('logs of a trace are in order of time, with level and message', () => {
  const spans = [
    makeSpan({
      events: [event('log', 5, ['level', 'INFO', 'message', 'second']), event('log', 9, ['message', 'third'])],
    }),
    makeSpan({ events: [event('exception', 2, ['exception.message', 'first'])] }),
  ];
  expect(traceToLogs(trace(spans)).logs.map(({ row, level, message }) => [row, level, message])).toEqual([
    [1, null, 'first'],
    [0, 'info', 'second'],
    [0, null, 'third'],
  ]);
});

it('finds a text in tags, logs and status messages, in any case', () => {
  const spans = [
    makeSpan({ attributes: ['user_id', 'User-7'] }),
    makeSpan({ name: 'user-7', attributes: ['n', 7] }),
    makeSpan({ statusMessage: 'no USER-7' }),
    makeSpan({ events: [event('log', 0, ['message', 'for user-7'])] }),
    makeSpan({ attributes: ['ids', ['user-7']] }),
  ];
  expect(findInTrace(trace(spans), 'uSer-7')).toEqual({ trace_id: 'a'.repeat(32), count: 5, rows: [0, 2, 3, 4] });
});

it('makes the columns of 100,000 spans', () => {
  const spans = Array.from({ length: 100_000 }, (_, i) =>
    makeSpan({ spanId: id(i + 1), parentSpanId: i === 0 ? undefined : id(i), startUnixUs: START_US + i }),
  );
  const columns = traceToColumns(trace(spans));
  expect([columns.count, columns.parent.at(-1), columns.strings.length]).toEqual([100_000, 99_998, 3]);
});
