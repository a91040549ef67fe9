const UNITS: readonly (readonly [name: string, us: number])[] = [
  ['ns', 0.001],
  ['µs', 1],
  ['ms', 1000],
  ['s', 1e6],
  ['min', 60e6],
  ['h', 3600e6],
];

/**
 * A duration for people: three digits and a unit from ns to h: `0.00 ms` never, `512 µs`, `5.02 ms`, `1.50 min`.
 * Whole microseconds below a millisecond are written whole, since they are exact.
 */
export function durationText(us: number): string {
  if (us === 0) return '0';
  if (us < 0) return `-${durationText(-us)}`;
  for (const [i, [name, unitUs]] of UNITS.entries()) {
    const value = us / unitUs;
    const digits = name === 'µs' && Number.isInteger(us) ? 0 : value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    const rounded = Number(value.toFixed(digits));
    // 999.6 ms reads better as 1.00 s; an hour has no larger unit.
    const next = UNITS[i + 1];
    if (next !== undefined && rounded * unitUs >= next[1]) continue;
    return `${value.toFixed(digits)} ${name}`;
  }
  return `${us} µs`;
}
