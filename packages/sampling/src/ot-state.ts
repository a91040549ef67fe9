import { isHex } from './threshold.ts';

/** The parts of tracestate's `ot` member: `th:e666;rv:0123456789abcd;x:1`. */
export interface OtState {
  /** Explicit randomness: 14 hex digits. */
  readonly rv: string | undefined;
  /** The rejection threshold as written: 1 to 14 hex digits. */
  readonly th: string | undefined;
  /** Other sub-keys with what they hold, to be passed on: `x:1`. */
  readonly rest: string | undefined;
}

const NOTHING: OtState = { rv: undefined, th: undefined, rest: undefined };

/** Reads an `ot` value. Malformed parts are left out. */
export function parseOtState(value: string | undefined): OtState {
  if (value === undefined || value.length === 0) return NOTHING;
  let rv: string | undefined;
  let th: string | undefined;
  let rest: string | undefined;
  for (const part of value.split(';')) {
    if (part.startsWith('th:')) {
      if (part.length > 3 && part.length <= 17 && isHex(part.slice(3))) th ??= part.slice(3);
    } else if (part.startsWith('rv:')) {
      if (part.length === 17 && isHex(part.slice(3))) rv ??= part.slice(3);
    } else if (part.includes(':')) rest = rest === undefined ? part : `${rest};${part}`;
  }
  return { rv, th, rest };
}

/** The `ot` value of these parts; undefined where there is nothing to say. */
export function writeOtState(
  th: string | undefined,
  rv: string | undefined,
  rest: string | undefined,
): string | undefined {
  let value = th === undefined ? '' : `th:${th}`;
  if (rv !== undefined) value += value === '' ? `rv:${rv}` : `;rv:${rv}`;
  if (rest !== undefined) value += value === '' ? rest : `;${rest}`;
  return value === '' ? undefined : value;
}
