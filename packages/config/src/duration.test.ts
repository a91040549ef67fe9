import { isForgeError } from '@forge/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDuration } from './duration.ts';

describe('parseDuration', () => {
  it.each([
    ['500ms', 500],
    ['1s', 1000],
    ['1.5s', 1500],
    ['2m', 120_000],
    ['1h30m', 5_400_000],
    ['7d', 604_800_000],
    ['1w', 604_800_000],
    ['250us', 0.25],
    ['0s', 0],
  ])('reads %s as %d ms', (text, ms) => expect(parseDuration(text)).toBe(ms));

  it.each([
    '',
    'abc',
    '1',
    's',
    '-1s',
    '1 s',
    '1S',
    '1sec',
    '1.s',
    '.5s',
    '1e3s',
    'Infinitys',
    '1s ',
    '١s',
    '99999999999999999d',
  ])('refuses %j', (text) => expect(() => parseDuration(text)).toThrow(/is not a duration.*"500ms"/));

  it('reads back any sum of whole units', () => {
    const part = fc.tuple(
      fc.nat(10_000),
      fc.constantFrom(['ms', 1], ['s', 1000], ['m', 60_000], ['h', 3_600_000] as const),
    );
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), (parts) => {
        const text = parts.map(([amount, [unit]]) => `${amount}${unit}`).join('');
        expect(parseDuration(text)).toBe(parts.reduce((sum, [amount, [, ms]]) => sum + amount * Number(ms), 0));
      }),
    );
  });

  it('answers any text with a finite number that is not negative, or refuses it, in time linear to its length', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[\d.usmhdw]{0,2000}$/)), (text) => {
        const ms = read(text);
        expect(ms).toBeGreaterThanOrEqual(0);
        expect(ms).toBeLessThan(Infinity);
      }),
    );
  });
});

/** What it reads; 0 where it refuses as it should. */
function read(text: string): number {
  try {
    return parseDuration(text);
  } catch (error) {
    if (!isForgeError(error, 'FORGE_CONFIG_INVALID')) throw error;
    return 0;
  }
}
