import { wellFormed } from './text.ts';

/** An attribute value where a format knows text only: numbers and booleans as JavaScript writes them, the rest as JSON. */
export function valueText(value: unknown): string {
  if (typeof value === 'string') return wellFormed(value);
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  return jsonText(value);
}

/** JSON where numbers that JSON lacks are text: `"NaN"`, `"Infinity"`. Never throws: what cannot be said becomes null. */
export function jsonText(value: unknown): string {
  try {
    return wellFormed(JSON.stringify(value, plain) ?? 'null');
  } catch {
    return 'null';
  }
}

function plain(_key: string, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (typeof value === 'bigint') return String(value);
  return typeof value === 'string' ? wellFormed(value) : value;
}
