import type { AttributeList } from '@forge/core';

// What JSON.stringify would escape, and what jsonb refuses: control characters, quotes, backslashes, surrogates.
// eslint-disable-next-line no-control-regex
const SPECIAL = /[\u0000-\u001f"\\\ud800-\udfff]/;
const MAX_DEPTH = 32;

/** Counts of what had to be changed to fit the database. */
export interface Alterations {
  /** Strings that held NUL characters (taken out) or lone surrogates (replaced by U+FFFD). */
  cleaned: number;
  /** Strings longer than their column. */
  cut: number;
  /** Numbers and times outside their column's range. */
  clamped: number;
}

/** `text` without NUL characters and lone surrogates, which PostgreSQL's text and jsonb refuse. */
export function cleanText(text: string, counts: Alterations): string {
  if (!SPECIAL.test(text)) return text;
  if (!text.includes('\0') && text.isWellFormed()) return text;
  counts.cleaned++;
  return text.replaceAll('\0', '').toWellFormed();
}

/** A flat attribute list as a JSON object that jsonb takes. */
export function attributesJson(list: AttributeList, counts: Alterations): string {
  if (list.length === 0) return '{}';
  let json = '{';
  for (let i = 0; i < list.length; i += 2) {
    json += `${i === 0 ? '' : ','}${stringJson(list[i] as string, counts)}:${valueJson(list[i + 1], counts, 0)}`;
  }
  return `${json}}`;
}

export function stringJson(text: string, counts: Alterations): string {
  return SPECIAL.test(text) ? JSON.stringify(cleanText(text, counts)) : `"${text}"`;
}

function valueJson(value: unknown, counts: Alterations, depth: number): string {
  switch (typeof value) {
    case 'string':
      return stringJson(value, counts);
    case 'number':
      // JSON knows no NaN and no infinities: kept as their names.
      return Number.isFinite(value) ? String(value) : `"${value}"`;
    case 'boolean':
      return value ? 'true' : 'false';
    case 'bigint':
      // Beyond 2^53 a JSON reader would round: kept as digits in a string.
      return value >= -MAX_SAFE && value <= MAX_SAFE ? value.toString() : `"${value}"`;
    case 'object':
      return value === null ? 'null' : objectJson(value, counts, depth);
    case 'undefined':
    case 'function':
    case 'symbol':
      return 'null';
  }
}

const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);

function objectJson(value: object, counts: Alterations, depth: number): string {
  if (value instanceof Uint8Array)
    return `"${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')}"`;
  if (depth >= MAX_DEPTH) {
    // PostgreSQL's parser descends recursively; nobody reads that deep.
    counts.cut++;
    return '"..."';
  }
  if (Array.isArray(value)) return `[${value.map((item) => valueJson(item, counts, depth + 1)).join(',')}]`;
  const members: string[] = [];
  for (const [key, item] of Object.entries(value)) {
    if (item !== undefined) members.push(`${stringJson(key, counts)}:${valueJson(item, counts, depth + 1)}`);
  }
  return `{${members.join(',')}}`;
}
