/** Text forms of times and durations, as the API reads and writes them. */

const UNIT_US: Readonly<Record<string, number>> = {
  ns: 0.001,
  us: 1,
  µs: 1,
  ms: 1000,
  s: 1e6,
  m: 60e6,
  min: 60e6,
  h: 3600e6,
  d: 86_400e6,
};
const MAX_UNIX_US = 8.64e15; // Year 2243: still a safe integer.

/** Unix microseconds as ISO 8601 in UTC with six digits: `2026-11-22T17:48:28.123456Z`. */
export function isoFromUnixUs(unixUs: number): string {
  const ms = Math.floor(unixUs / 1000);
  const micros = String(unixUs - ms * 1000).padStart(3, '0');
  return `${new Date(ms).toISOString().slice(0, -1)}${micros}Z`;
}

/**
 * Microseconds, with a fraction where there is one, of `1000` (milliseconds), `1.5s`, `250us`, `2h`;
 * undefined for anything else.
 */
export function durationUsFromText(text: string): number | undefined {
  const match = /^(\d{1,15}(?:\.\d{1,9})?) ?(ns|us|µs|ms|s|min|m|h|d)?$/.exec(text);
  if (match === null) return undefined;
  const us = Number(match[1]) * UNIT_US[match[2] ?? 'ms'];
  // 0.1 ms * 1000 has a rounding error far below the nanosecond that a caller can write.
  const exact = Math.round(us * 1e6) / 1e6;
  return exact <= Number.MAX_SAFE_INTEGER ? exact : undefined;
}

/**
 * Unix microseconds of an ISO 8601 time with a zone (at most 9 fraction digits), of whole Unix microseconds,
 * of `now`, or of a time before now such as `-1h`; undefined for anything else.
 */
export function unixUsFromText(text: string, nowUnixUs: number): number | undefined {
  if (text === 'now') return nowUnixUs;
  if (text.startsWith('-')) {
    const us = durationUsFromText(text.slice(1));
    return us === undefined || !/[a-zµ]$/.test(text) ? undefined : Math.max(0, Math.floor(nowUnixUs - us));
  }
  if (/^\d{1,16}$/.test(text)) {
    const us = Number(text);
    return us <= MAX_UNIX_US ? us : undefined;
  }
  // A plus that was not escaped in the URL arrives as a space.
  const match = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,9}))?(Z|[ +-]\d\d:?\d\d)$/i.exec(text);
  if (match === null) return undefined;
  const [, day, time, fraction = '', zone] = match;
  const ms = Date.parse(
    `${day}T${time}${zone
      .toUpperCase()
      .replace(' ', '+')
      .replace(/(\d\d)(\d\d)$/, '$1:$2')}`,
  );
  if (!Number.isFinite(ms)) return undefined;
  const us = ms * 1000 + Number(fraction.padEnd(6, '0').slice(0, 6));
  return us >= 0 && us <= MAX_UNIX_US ? us : undefined;
}
