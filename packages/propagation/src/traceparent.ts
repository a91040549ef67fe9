// `00-<32 hex>-<16 hex>-<2 hex>`, W3C Trace Context level 2: https://www.w3.org/TR/trace-context-2/#traceparent-header
//  0  3             36         53 55
const LENGTH = 55;
const DASH = 45;

/** Bits of trace flags that level 2 defines: sampled and random trace id. Others are not to be passed on. */
const KNOWN_FLAGS = 3;

// Value of a lowercase hex digit by its char code, -1 for any other character below 128.
const DIGIT = new Int8Array(128).fill(-1);
for (let value = 0; value < 16; value++) DIGIT[value.toString(16).charCodeAt(0)] = value;

/** Whether `length` characters from `start` are lowercase hex digits and not all 0. */
export function isHexId(text: string, start: number, length: number): boolean {
  let any = 0;
  for (let i = start; i < start + length; i++) {
    const code = text.charCodeAt(i);
    const value = code < 128 ? DIGIT[code] : -1;
    if (value < 0) return false;
    any |= value;
  }
  return any !== 0;
}

/** Two lowercase hex digits as a number, -1 where they are none. */
function hexByte(text: string, at: number): number {
  const high = text.charCodeAt(at);
  const low = text.charCodeAt(at + 1);
  if (!(high < 128 && low < 128)) return -1;
  const a = DIGIT[high];
  const b = DIGIT[low];
  return a < 0 || b < 0 ? -1 : a * 16 + b;
}

/**
 * Checks a traceparent (or traceresponse) without surrounding blanks. The ids then lie at 3 to 35 and 36 to 52.
 * @returns the flags that level 2 knows, or -1 where the header is invalid
 */
export function readTraceparent(header: string): number {
  if (header.length < LENGTH) return -1;
  const version = hexByte(header, 0);
  if (version < 0 || version === 255) return -1;
  // Version 00 ends here; later ones may go on, after a dash. A doubled header, joined by a comma, is invalid in both.
  if (header.length > LENGTH && (version === 0 || header.charCodeAt(LENGTH) !== DASH)) return -1;
  if (header.charCodeAt(2) !== DASH || header.charCodeAt(35) !== DASH || header.charCodeAt(52) !== DASH) return -1;
  if (!isHexId(header, 3, 32) || !isHexId(header, 36, 16)) return -1;
  const flags = hexByte(header, 53);
  return flags < 0 ? -1 : flags & KNOWN_FLAGS;
}

const FLAGS = ['00', '01', '02', '03'] as const;

/** A traceparent of version 00; of `flags` the known ones. */
export function writeTraceparent(traceId: string, spanId: string, flags: number): string {
  return `00-${traceId}-${spanId}-${FLAGS[(flags & KNOWN_FLAGS) as 0]}`;
}
