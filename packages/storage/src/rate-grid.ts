import type { TimeRange } from './contract.ts';

const MINUTE_US = 60_000_000;
const HOUR_US = 60 * MINUTE_US;
const DAY_US = 24 * HOUR_US;
const STEPS = [1, 2, 3, 5, 10, 15, 30, 60, 120, 180, 360, 720].map((minutes) => minutes * MINUTE_US);
const USUAL_POINTS = 100;

/** The points in time of an answer about rates: one each `stepUs`, counted from 1970, the first at or before the range's start. */
export interface RateGrid {
  readonly stepUs: number;
  readonly startsUnixUs: readonly number[];
}

/** @param leastStepUs the finest step that is still kept for this range */
export function rateGrid(range: TimeRange, stepUs: number | undefined, leastStepUs = MINUTE_US): RateGrid {
  const length = Math.max(0, range.endUnixUs - range.startUnixUs);
  const wanted = Math.max(stepUs ?? length / USUAL_POINTS, leastStepUs);
  const step = STEPS.find((one) => one >= wanted) ?? Math.ceil(wanted / DAY_US) * DAY_US;
  const startsUnixUs: number[] = [];
  for (let at = Math.floor(range.startUnixUs / step) * step; at < range.endUnixUs; at += step) startsUnixUs.push(at);
  return { stepUs: step, startsUnixUs };
}

/** The range widened to whole hours (UTC): what the lists of names go by. */
export function wholeHours(range: TimeRange): TimeRange {
  return wholeUnits(range, HOUR_US);
}

/** The range widened to whole minutes. */
export function wholeMinutes(range: TimeRange): TimeRange {
  return wholeUnits(range, MINUTE_US);
}

function wholeUnits(range: TimeRange, unitUs: number): TimeRange {
  return {
    startUnixUs: Math.floor(range.startUnixUs / unitUs) * unitUs,
    endUnixUs: Math.ceil(range.endUnixUs / unitUs) * unitUs,
  };
}

/** The row of a heatmap that a duration belongs to. */
export function heatRow(durationUs: number): number {
  if (durationUs < 2) return durationUs < 1 ? 0 : 1;
  const exponent = Math.floor(Math.log2(durationUs));
  return exponent * 2 + (durationUs >= 1.5 * 2 ** exponent ? 1 : 0);
}

/** The lowest duration of a row: 0, 1, 2, 3, 4, 6, 8, 12 ... */
export function heatRowStartUs(row: number): number {
  if (row < 2) return row;
  return (row % 2 === 0 ? 1 : 1.5) * 2 ** Math.floor(row / 2);
}
