/** Durations and times for people. */

const UNITS = [
  { limit: 1, us: 0.001, unit: 'ns' },
  { limit: 1000, us: 1, unit: 'µs' },
  { limit: 1e6, us: 1000, unit: 'ms' },
  { limit: 60e6, us: 1e6, unit: 's' },
] as const;

/**
 * Three digits and a unit: `250 ns`, `83.4 µs`, `1.20 ms`, `12.0 s`; from a minute on two whole units: `1 m 23 s`,
 * `2 h 05 m`, `3 d 04 h`.
 */
export function durationText(us: number): string {
  if (us < 0) return `−${durationText(-us)}`;
  if (us === 0) return '0';
  for (const { limit, us: unitUs, unit } of UNITS) {
    if (us >= limit) continue;
    const text = threeDigits(us / unitUs);
    // 999.9 µs is 1,000 of its unit when rounded: the next unit says it better.
    if (text === '1000') continue;
    if (unit === 's' && text === '60.0') continue;
    return `${text} ${unit}`;
  }
  const seconds = Math.round(us / 1e6);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${two(seconds % 60)} s`;
  const minutes = Math.round(us / 60e6);
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} m`;
  const hours = Math.round(us / 3600e6);
  return `${Math.floor(hours / 24)} d ${two(hours % 24)} h`;
}

function threeDigits(value: number): string {
  const digits = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return value.toFixed(digits);
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

/** To the microsecond (or nanosecond, where there is one), with thin groups: `1,234.567 ms`. */
export function exactDurationText(us: number): string {
  const ms = us / 1000;
  const digits = Number.isInteger(us) ? 3 : 6;
  return `${ms.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })} ms`;
}

export function countText(count: number): string {
  return count.toLocaleString('en-US');
}

/** `12.4k`, `3.1M` for narrow places. */
export function shortCountText(count: number): string {
  if (count < 1000) return String(count);
  if (count < 999_500) return `${Number(threeDigits(count / 1000))}k`;
  return `${Number(threeDigits(count / 1e6))}M`;
}

/** A share of 1 as `12 %`, `0.4 %`, `< 0.1 %`. */
export function percentText(share: number): string {
  if (!Number.isFinite(share) || share <= 0) return '0 %';
  if (share < 0.001) return '< 0.1 %';
  if (share < 0.0995) return `${(share * 100).toFixed(1)} %`;
  return `${Math.round(share * 100)} %`;
}

/** The clock's time in the reader's zone, to the millisecond: `14:03:07.123`. */
export function clockText(unixUs: number, digits: 0 | 3 | 6 = 3): string {
  const date = new Date(Math.floor(unixUs / 1000));
  const base = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  if (digits === 0) return base;
  const micros = String(Math.floor(((unixUs % 1e6) + 1e6) % 1e6)).padStart(6, '0');
  return `${base}.${micros.slice(0, digits)}`;
}

/** `22 Nov 2026`. */
export function dateText(unixUs: number): string {
  return new Date(unixUs / 1000).toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });
}

/** `just now`, `4 min ago`, `3 h ago`, then the date. */
export function agoText(unixUs: number, nowUnixUs: number): string {
  const seconds = (nowUnixUs - unixUs) / 1e6;
  if (seconds < 0) return 'in the future';
  if (seconds < 10) return 'just now';
  if (seconds < 60) return `${Math.floor(seconds)} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  if (seconds < 86_400 * 14) return `${Math.floor(seconds / 86_400)} d ago`;
  return dateText(unixUs);
}
