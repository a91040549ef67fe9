/**
 * The text of a tag's value, as queries compare and search it: a string is itself; numbers and booleans are their JSON
 * text, arrays and objects theirs as PostgreSQL writes JSON (a space after each comma and colon).
 */
export function tagText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value))) return String(value);
  return jsonText(value);
}

/** Whether a tag's value is `text`: the value itself, or one element of an array. */
export function tagEquals(value: unknown, text: string): boolean {
  if (Array.isArray(value)) return value.some((item) => isScalar(item) && tagText(item) === text);
  return isScalar(value) && tagText(value) === text;
}

function isScalar(value: unknown): boolean {
  const type = typeof value;
  return type === 'string' || type === 'number' || type === 'boolean' || type === 'bigint';
}

function jsonText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(jsonText).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${jsonText(item)}`);
    return `{${members.join(', ')}}`;
  }
  return JSON.stringify(value) ?? 'null';
}
