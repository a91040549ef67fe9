const HEX = /^[0-9a-fA-F]+$/;
const ZEROS = /^0+$/;

/**
 * A trace id in its one form: lowercase, 32 digits, or 16 where the upper half is zero, so that a 64-bit id is the same
 * whichever protocol it came by. Shorter ones, as Jaeger's UI writes them, get their leading zeros back.
 * Undefined for what is no id.
 */
export function normalTraceId(text: unknown): string | undefined {
  if (typeof text !== 'string' || text.length === 0 || text.length > 32 || !HEX.test(text) || ZEROS.test(text))
    return undefined;
  const digits = text.toLowerCase();
  if (digits.length <= 16) return digits.padStart(16, '0');
  const id = digits.padStart(32, '0');
  return id.startsWith('0000000000000000') ? id.slice(16) : id;
}

/** 16 lowercase digits; undefined for what is no id. */
export function normalSpanId(text: unknown): string | undefined {
  if (typeof text !== 'string' || text.length === 0 || text.length > 16 || !HEX.test(text) || ZEROS.test(text))
    return undefined;
  return text.toLowerCase().padStart(16, '0');
}
