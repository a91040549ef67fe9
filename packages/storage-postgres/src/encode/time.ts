/** 2200-01-01: later starts are broken clocks. With the longest duration still a safe integer. */
export const MAX_UNIX_US = 7_258_118_400_000_000;
/** Some 31 years. */
export const MAX_DURATION_US = 1_000_000_000_000_000;

/** Whole microseconds within 1970 to 2200; what is no number becomes 0. */
export function clampUnixUs(unixUs: number): number {
  if (!(unixUs > 0)) return 0;
  return unixUs < MAX_UNIX_US ? Math.floor(unixUs) : MAX_UNIX_US;
}

/** Whole microseconds from 0 to MAX_DURATION_US; what is no number becomes 0. */
export function clampDurationUs(durationUs: number): number {
  if (!(durationUs > 0)) return 0;
  return durationUs < MAX_DURATION_US ? Math.floor(durationUs) : MAX_DURATION_US;
}

let lastSecond = -1;
let lastText = '';

/** `2026-01-31T12:00:00.000123Z`, for JSON. Cheap for times of the same second, as events of a batch are. */
export function isoMicros(unixUs: number): string {
  const second = Math.floor(unixUs / 1_000_000);
  if (second !== lastSecond) {
    lastSecond = second;
    lastText = new Date(second * 1000).toISOString().slice(0, 20);
  }
  return `${lastText}${(unixUs - second * 1_000_000).toString().padStart(6, '0')}Z`;
}

/** The inverse of `isoMicros`. */
export function parseIsoMicros(text: string): number {
  return Date.parse(`${text.slice(0, 20)}000Z`) * 1000 + Number(text.slice(20, 26));
}
