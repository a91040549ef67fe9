import { ForgeError } from '@forge/core';
import { ConfigErrors } from './errors.ts';

/**
 * `"32MB"`, `"1.5GB"`, `"4096B"` in bytes, rounded. As PostgreSQL counts: 1 KB is 1,024 bytes; KiB, MiB and GiB are the same.
 * @throws ForgeError FORGE_CONFIG_INVALID
 */
export function parseBytes(text: string): number {
  const [, amount, prefix] = /^(\d+(?:\.\d+)?) ?(?:([KMGT])i?)?B$/.exec(text) ?? [];
  const bytes = Math.round(Number(amount) * 1024 ** (prefix === undefined ? 0 : 'KMGT'.indexOf(prefix) + 1));
  if (Number.isSafeInteger(bytes)) return bytes;
  throw new ForgeError(
    ConfigErrors.invalid,
    `${JSON.stringify(text)} is not a size: a number and a unit, like "64KB", "32MB" or "1GB"`,
  );
}
