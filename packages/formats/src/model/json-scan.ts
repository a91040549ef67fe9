import { Buffer } from 'node:buffer';
import { formatError } from '../errors.ts';

export interface JsonLimits {
  /** Default 64. */
  readonly maxDepth?: number;
  /** Objects, arrays and members in all: each takes up to 50 bytes of memory. Default 16,000,000. */
  readonly maxValues?: number;
}

/**
 * Parses JSON after a look at its brackets: a document of a megabyte can otherwise take fifty of memory, or nest deeper
 * than any reader of it can go. Throws FORGE_FORMAT_INVALID or FORGE_FORMAT_TOO_LARGE.
 */
export function parseJson(document: Uint8Array | string, limits: JsonLimits = {}): unknown {
  const bytes = typeof document === 'string' ? Buffer.from(document) : document;
  checkShape(bytes, limits.maxDepth ?? 64, limits.maxValues ?? 16_000_000);
  try {
    const text =
      typeof document === 'string'
        ? document
        : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
    return JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text);
  } catch (error) {
    throw formatError('FORGE_FORMAT_INVALID', `not JSON: ${(error as Error).message.slice(0, 200)}`, error);
  }
}

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];

function checkShape(bytes: Uint8Array, maxDepth: number, maxValues: number): void {
  let depth = 0;
  let values = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte === QUOTE) {
      for (i++; i < bytes.length && bytes[i] !== QUOTE; i++) if (bytes[i] === BACKSLASH) i++;
    } else if (byte === COMMA) values++;
    else if ((byte | 0x20) === 0x7b) {
      // { or [
      values++;
      if (++depth > maxDepth) throw formatError('FORGE_FORMAT_TOO_LARGE', `JSON nests deeper than ${maxDepth}`);
    } else if ((byte | 0x20) === 0x7d) depth--;
  }
  if (values > maxValues) throw formatError('FORGE_FORMAT_TOO_LARGE', `JSON of more than ${maxValues} values`);
}
