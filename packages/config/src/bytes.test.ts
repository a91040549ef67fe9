import { isForgeError } from '@forge/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseBytes } from './bytes.ts';

describe('parseBytes', () => {
  it.each([
    ['0B', 0],
    ['4096B', 4096],
    ['1KB', 1024],
    ['1KiB', 1024],
    ['32MB', 33_554_432],
    ['32 MB', 33_554_432],
    ['1.5GB', 1_610_612_736],
    ['1TB', 1_099_511_627_776],
  ])('reads %s as %d bytes', (text, bytes) => expect(parseBytes(text)).toBe(bytes));

  it.each(['', '32', 'MB', '-1MB', '32mb', '32M', '1iB', '1e3MB', '32MBs', '1  MB', '9999999TB'])(
    'refuses %j',
    (text) => expect(() => parseBytes(text)).toThrow(/is not a size.*"32MB"/),
  );

  it('reads back any whole number of any unit', () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.constantFrom('', 'K', 'M', 'G', 'T'), (amount, prefix) => {
        expect(parseBytes(`${amount}${prefix}B`)).toBe(amount * 1024 ** ['', 'K', 'M', 'G', 'T'].indexOf(prefix));
      }),
    );
  });

  it('answers any text with a safe whole number, or refuses it', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^\d{1,20}(\.\d{1,9})? ?[KMGT]?i?B$/)), (text) => {
        const bytes = read(text);
        expect(Number.isSafeInteger(bytes) && bytes >= 0).toBe(true);
      }),
    );
  });
});

/** What it reads; 0 where it refuses as it should. */
function read(text: string): number {
  try {
    return parseBytes(text);
  } catch (error) {
    if (!isForgeError(error, 'FORGE_CONFIG_INVALID')) throw error;
    return 0;
  }
}
