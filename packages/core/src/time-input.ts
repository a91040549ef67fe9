import type { TimeInput } from '@opentelemetry/api';
import type { Clock } from './clock.ts';

/**
 * A time that the application gave, on the trace's monotonic clock, in milliseconds.
 * OpenTelemetry allows a Date, [seconds, nanoseconds], Unix milliseconds, and `performance.now()`: a number below
 * the process's own start is taken for the last. What is no time becomes now.
 */
export function monotonicMs(time: TimeInput, anchorMs: number, clock: Clock): number {
  let ms = Number.NaN;
  if (typeof time === 'number') ms = time < performance.timeOrigin ? time : time - anchorMs;
  else if (time instanceof Date) ms = time.getTime() - anchorMs;
  else if (Array.isArray(time)) ms = time[0] * 1000 + time[1] / 1e6 - anchorMs;
  return Number.isFinite(ms) ? ms : clock.nowMs();
}
