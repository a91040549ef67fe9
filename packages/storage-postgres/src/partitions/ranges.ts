/** A partition's range of start times: Unix microseconds, lower inclusive, upper exclusive. */
export interface Range {
  readonly lowerUs: number;
  readonly upperUs: number;
}

export const HOUR_US = 3_600_000_000;
export const DAY_US = 24 * HOUR_US;

export type Width = 'hour' | 'day' | 'month';

/**
 * How wide a new partition for a span that started at `unixUs` should be. Around now, as configured; far from it wider:
 * old data comes in rarely and thinly, and a sender with a broken clock must not make thousands of partitions.
 */
export function widthFor(unixUs: number, nowUs: number, usual: 'hour' | 'day'): Width {
  const ageUs = nowUs - unixUs;
  if (ageUs >= -2 * DAY_US && ageUs <= 8 * DAY_US) return usual;
  return ageUs > 0 && ageUs <= 62 * DAY_US ? 'day' : 'month';
}

/** The hour, day or month (UTC) that holds `unixUs`. */
export function alignedRange(unixUs: number, width: Width): Range {
  if (width === 'month') {
    const date = new Date(unixUs / 1000);
    const month = (offset: number) => Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + offset) * 1000;
    return { lowerUs: month(0), upperUs: month(1) };
  }
  const step = width === 'hour' ? HOUR_US : DAY_US;
  const lowerUs = Math.floor(unixUs / step) * step;
  return { lowerUs, upperUs: lowerUs + step };
}

/** The range of `ranges` (sorted, disjoint) that holds `unixUs`. */
export function findRange<R extends Range>(ranges: readonly R[], unixUs: number): R | undefined {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ranges[middle].upperUs <= unixUs) low = middle + 1;
    else high = middle;
  }
  const range = ranges[low];
  return range !== undefined && range.lowerUs <= unixUs ? range : undefined;
}

/** `wanted`, which holds `unixUs`, cut back to where it meets none of `ranges`; undefined where one holds `unixUs`. */
export function fitRange(wanted: Range, unixUs: number, ranges: readonly Range[]): Range | undefined {
  let { lowerUs, upperUs } = wanted;
  for (const range of ranges) {
    if (range.lowerUs <= unixUs && unixUs < range.upperUs) return undefined;
    if (range.upperUs <= unixUs) lowerUs = Math.max(lowerUs, range.upperUs);
    else upperUs = Math.min(upperUs, range.lowerUs);
  }
  return { lowerUs, upperUs };
}

/** `2026013112`: the hour (UTC) at which a partition begins, in its table's name. */
export function rangeName(range: Range): string {
  return new Date(range.lowerUs / 1000).toISOString().slice(0, 13).replaceAll(/[-T]/g, '');
}

/** A bound as PostgreSQL reads it under any DateStyle and time zone. */
export function boundText(unixUs: number): string {
  return new Date(unixUs / 1000).toISOString();
}
