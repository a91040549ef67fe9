import type { SpanData } from '@forge/core';
import { brokenTrace, cartTrace, hostileTrace, orderTrace } from './demo-traces.ts';

/** Ids of the traces that tests name. The rest of the demo store is traffic around them. */
export const TRACES = {
  order: '6921a0010000000000000000000000a1',
  failed: '6921a0020000000000000000000000a2',
  slow: '6921a0030000000000000000000000a3',
  cart: '6921a0040000000000000000000000a4',
  broken: '6921a0050000000000000000000000a5',
  hostile: '6921a0060000000000000000000000a6',
  lateJob: '6921a0070000000000000000000000a7',
} as const;

/** An hour and a half of traffic before `nowMs`, with the named traces in its last minutes. */
export function demoSpans(nowMs: number): SpanData[] {
  const nowUs = nowMs * 1000;
  const minute = 60e6;
  const spans = [
    ...orderTrace(TRACES.order, nowUs - 2 * minute, { seed: 3 }),
    ...orderTrace(TRACES.failed, nowUs - 3 * minute, { fails: true, seed: 4 }),
    ...orderTrace(TRACES.slow, nowUs - 5 * minute, { slow: true, seed: 5 }),
    ...cartTrace(TRACES.cart, nowUs - 6 * minute, 6),
    ...brokenTrace(TRACES.broken, nowUs - 7 * minute),
    ...hostileTrace(TRACES.hostile, nowUs - 8 * minute),
    ...orderTrace(TRACES.lateJob, nowUs - 9 * minute, { lateJob: true, seed: 8 }),
  ];
  for (let at = 0; at < 420; at++) {
    const id = `6921${at.toString(16).padStart(28, '0')}`;
    const start = nowUs - 90 * minute + Math.round((at / 420) ** 0.9 * 89 * minute);
    if (at % 5 === 0) spans.push(...cartTrace(id, start, at, 3 + (at % 9)));
    else spans.push(...orderTrace(id, start, { seed: at * 7919, fails: at % 23 === 7, slow: at % 31 === 3 }));
  }
  return spans;
}
