const BYTE: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** A 32-bit word as 8 lowercase hex digits. */
export function wordToHex(word: number): string {
  return BYTE[(word >>> 24) & 255] + BYTE[(word >>> 16) & 255] + BYTE[(word >>> 8) & 255] + BYTE[word & 255];
}

/** 8 hex digits of `hex` from `offset` as a signed 32-bit word. Not digits: NaN, which `| 0` turns into 0. */
export function hexToWord(hex: string, offset: number): number {
  return Number.parseInt(hex.slice(offset, offset + 8), 16) | 0;
}
