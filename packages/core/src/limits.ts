/** Bounds of one span. What exceeds them is dropped or cut, and counted in the span. */
export interface SpanLimits {
  /** Most attributes of a span, of an event, of a link. */
  readonly maxAttributes: number;
  readonly maxEvents: number;
  readonly maxLinks: number;
  /** Longest string value, in UTF-16 units; longer ones are cut. */
  readonly maxValueLength: number;
  /** Longest stack trace of a recorded exception, in UTF-16 units. */
  readonly maxStackLength: number;
}

export const DEFAULT_LIMITS: SpanLimits = {
  maxAttributes: 128,
  maxEvents: 128,
  maxLinks: 128,
  maxValueLength: 4096,
  maxStackLength: 8192,
};

/** `text` cut to `maxLength` UTF-16 units, never through a surrogate pair. */
export function cut(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  const last = text.charCodeAt(maxLength - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? maxLength - 1 : maxLength);
}
