export type JsonObject = Readonly<Record<string, unknown>>;

/** `value` as an object; undefined for anything else. */
export function objectIn(value: unknown): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
}

/** `value` as an array; an empty one for anything else. */
export function arrayIn(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function textIn(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** A whole number, be it written as text; undefined for anything else, and for what no double holds exactly. */
export function integerIn(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^-?\d{1,17}$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) ? number : undefined;
}

/** A whole number of 0 or more; 0 for anything else. */
export function countIn(value: unknown): number {
  const count = integerIn(value);
  return count !== undefined && count > 0 ? count : 0;
}
