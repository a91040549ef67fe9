import { ForgeError } from '@forge/core';
import { ConfigErrors } from './errors.ts';

const UNIT_MS: Readonly<Record<string, number>> = {
  us: 0.001,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
/** The longest, so that milliseconds stay exact and dates stay dates: about 2,700 years. */
const MAX_MS = 86_400_000 * 1_000_000;

/**
 * `"500ms"`, `"1s"`, `"1.5s"`, `"1h30m"` in milliseconds. Units: us, ms, s, m, h, d, w. Not negative.
 * @throws ForgeError FORGE_CONFIG_INVALID
 */
export function parseDuration(text: string): number {
  const whole = /^(?:\d+(?:\.\d+)?(?:us|ms|[smhdw]))+$/;
  let totalMs = 0;
  if (whole.test(text)) {
    for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(us|ms|[smhdw])/g)) {
      totalMs += Number(amount) * (UNIT_MS[unit ?? ''] ?? Number.NaN);
    }
    if (totalMs <= MAX_MS) return totalMs;
  }
  throw new ForgeError(
    ConfigErrors.invalid,
    `${JSON.stringify(text)} is not a duration: a number and a unit, like "500ms", "1s", "2m", "1h30m" or "7d"`,
  );
}
