import { baggageEntryMetadataFromString, propagation, type Baggage, type BaggageEntry } from '@opentelemetry/api';
import { trimOws } from './ows.ts';

// W3C Baggage: https://www.w3.org/TR/baggage/ . Receivers must take at least these; we take and send no more.
const MAX_MEMBERS = 64;
const MAX_LENGTH = 8192;

const TOKEN = new Uint8Array(128);
for (const character of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
  TOKEN[character.charCodeAt(0)] = 1;

// What a value may hold as it is: visible ASCII without `"`, `,`, `;`, `\` and the escape sign itself.
const PLAIN = new Uint8Array(128);
for (let code = 0x21; code < 0x7f; code++) if (!'",;\\%'.includes(String.fromCharCode(code))) PLAIN[code] = 1;

function isToken(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 127 || TOKEN[code] === 0) return false;
  }
  return text.length > 0;
}

/** Reads a `baggage` header; undefined where it holds nothing valid. An invalid member is left out, the others stay. */
export function parseBaggage(header: string): Baggage | undefined {
  if (header.length > MAX_LENGTH) header = header.slice(0, header.lastIndexOf(',', MAX_LENGTH));
  const entries: Record<string, BaggageEntry> = Object.create(null) as Record<string, BaggageEntry>;
  let count = 0;
  for (const member of header.split(',')) {
    if (count === MAX_MEMBERS) break;
    const semicolon = member.indexOf(';');
    const pair = semicolon < 0 ? member : member.slice(0, semicolon);
    const equals = pair.indexOf('=');
    if (equals < 0) continue;
    const key = trimOws(pair.slice(0, equals));
    const value = trimOws(pair.slice(equals + 1));
    if (!isToken(key) || !isValue(value)) continue;
    const properties = semicolon < 0 ? '' : trimOws(member.slice(semicolon + 1));
    if (entries[key] === undefined) count++;
    entries[key] =
      properties === ''
        ? { value: decode(value) }
        : { value: decode(value), metadata: baggageEntryMetadataFromString(properties) };
  }
  return count === 0 ? undefined : propagation.createBaggage(entries);
}

function isValue(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 127 || (PLAIN[code] === 0 && code !== 37)) return false;
  }
  return true;
}

function decode(value: string): string {
  if (!value.includes('%')) return value;
  try {
    return decodeURIComponent(value);
  } catch {
    return decodeLoosely(value);
  }
}

/** Percent escapes that are no UTF-8 become U+FFFD, as the standard asks; a `%` that starts no escape stays. */
function decodeLoosely(value: string): string {
  const bytes: number[] = [];
  for (let i = 0; i < value.length; i++) {
    const byte = value.charCodeAt(i) === 37 ? Number(`0x${value.slice(i + 1, i + 3)}`) : Number.NaN;
    if (Number.isInteger(byte) && i + 2 < value.length) {
      bytes.push(byte);
      i += 2;
    } else bytes.push(value.charCodeAt(i));
  }
  return new TextDecoder().decode(Uint8Array.from(bytes));
}

function encode(value: string): string {
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code > 127 || PLAIN[code] === 0) return encodeURIComponent(wellFormed(value));
  }
  return value;
}

/** Half a surrogate pair has no UTF-8, and `encodeURIComponent` throws at it: it becomes U+FFFD. */
function wellFormed(value: string): string {
  return new TextDecoder().decode(new TextEncoder().encode(value));
}

/** The `baggage` header; '' where nothing is left to send. Entries over the limits and with impossible keys are left out. */
export function writeBaggage(baggage: Baggage): string {
  let header = '';
  let count = 0;
  for (const [key, { value, metadata }] of baggage.getAllEntries()) {
    if (count === MAX_MEMBERS) break;
    if (!isToken(key) || typeof value !== 'string') continue;
    const properties = metadata?.toString() ?? '';
    const member = `${key}=${encode(value)}${isProperties(properties) ? `;${properties}` : ''}`;
    if (header.length + member.length + (header === '' ? 0 : 1) > MAX_LENGTH) continue;
    header += header === '' ? member : `,${member}`;
    count++;
  }
  return header;
}

/** Whether properties can stand in the header as they are: nothing that would end the member or the header line. */
function isProperties(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 44 || code === 34 || code === 92 || (code < 32 && code !== 9) || code > 126) return false;
  }
  return text.length > 0;
}
