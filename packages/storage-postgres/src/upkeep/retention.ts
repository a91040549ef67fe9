import { storageError, StorageCode } from '@forge/storage';

const UNITS = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 } as const;

/** `7d`, `12h`, `90m` as microseconds. Throws FORGE_STORAGE_OPTION_INVALID. */
export function parseRetention(text: string): number {
  const match = /^(\d+)\s*([smhdw])$/.exec(text.trim());
  const seconds = match === null ? 0 : Number(match[1]) * UNITS[match[2] as keyof typeof UNITS];
  if (seconds < 60) {
    throw storageError(
      StorageCode.optionInvalid,
      `retention: ${JSON.stringify(text)} is not allowed; expected a number and a unit (m, h, d, w), at least one minute: "7d"`,
    );
  }
  return seconds * 1_000_000;
}
