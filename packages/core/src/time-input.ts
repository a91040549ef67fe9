import type { TimeInput } from '@opentelemetry/api';
import type { Clock } from './clock.ts';

const MAX_UPTIME_MS = 1e11;

/**
 * A time that the application gave, on the trace's monotonic clock, in milliseconds.
 * OpenTelemetry allows a Date, [seconds, nanoseconds], Unix milliseconds, and `performance.now()`: a number below
 * 10^11 (three years of uptime, or March 1973) is taken for the last. What is no time becomes now.
 */
export function monotonicMs(time: TimeInput, anchorMs: number, clock: Clock): number {
  let ms = Number.NaN;
  if (typeof time === 'number') ms = time < MAX_UPTIME_MS ? time : time - anchorMs;
  else if (time instanceof Date) ms = time.getTime() - anchorMs;
  else if (Array.isArray(time)) ms = time[0] * 1000 + time[1] / 1e6 - anchorMs;
  return Number.isFinite(ms) ? ms : clock.nowMs();
}
