import { Status } from '@forge/core';
import { makeSpan } from '@forge/testing';
import { expect, it } from 'vitest';
import { encodeChromeTrace } from './encode.ts';

interface Entry {
  readonly ph: string;
  readonly name: string;
  readonly ts: number;
  readonly dur: number;
  readonly pid: number;
  readonly tid: number;
  readonly cat: string;
  readonly args: Readonly<Record<string, unknown>>;
}

function entries(...spans: Parameters<typeof encodeChromeTrace>[0]): Entry[] {
  return (JSON.parse(encodeChromeTrace(spans)) as { traceEvents: Entry[] }).traceEvents;
}

it('writes a process a service, a complete event a span, an instant a log line', () => {
  const origin = { serviceName: 'shop', nodeId: '0a1b2c3d-0000-4000-8000-00000000c0de', attributes: [] };
  const event = { name: 'exception', unixUs: 1500, attributes: ['n', Number.NaN], droppedAttributes: 0 };
  const [process, span, instant] = entries(
    makeSpan({
      name: 'db.query',
      resource: 'SELECT users',
      origin,
      startUnixUs: 1000,
      durationUs: 900,
      status: Status.error,
      attributes: ['rows', 3],
      events: [event],
    }),
  );
  expect(process).toMatchObject({ ph: 'M', name: 'process_name', args: { name: 'shop 0a1b2c3d' } });
  expect(span).toMatchObject({
    ph: 'X',
    name: 'db.query SELECT users',
    ts: 1000,
    dur: 900,
    pid: process.pid,
    cat: 'internal,error',
    args: { rows: 3 },
  });
  expect(instant).toMatchObject({ ph: 'i', name: 'exception', ts: 1500, tid: span.tid, args: { n: 'NaN' } });
});

it('gives spans that overlap without nesting lanes of their own, and reuses a lane that is free', () => {
  const at = (name: string, startUnixUs: number, durationUs: number) =>
    makeSpan({ name, resource: name, startUnixUs, durationUs });
  const lanes = Object.fromEntries(
    entries(
      at('root', 0, 100),
      at('a', 10, 50),
      at('overlaps a', 20, 60),
      at('within a', 12, 5),
      at('after a', 60, 10),
      at('later', 200, 10),
    )
      .filter(({ ph }) => ph === 'X')
      .map(({ name, tid }) => [name, tid]),
  );
  expect(lanes).toEqual({ root: 1, a: 1, 'within a': 1, 'overlaps a': 2, 'after a': 1, later: 1 });
});
