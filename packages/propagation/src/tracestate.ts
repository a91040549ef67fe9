import type { KeepReason } from '@forge/core';
import { isOws } from './ows.ts';
import { isHexId } from './traceparent.ts';

/**
 * `tracestate` of W3C Trace Context level 2 (https://www.w3.org/TR/trace-context-2/#tracestate-header):
 *
 *     forge=p:b7ad6b7169203331;k:error,ot=th:e666,congo=t61rcWkgMzE
 *     '-- ours, always first --------' '- OpenTelemetry's: the sampler's
 *
 * Ours says which Forge span sent the request (`p:`), so that a hop through a foreign tracer can still be joined,
 * and why the trace is kept, if it is (`k:`). What does not parse discards the whole header, as the standard has it.
 */
const MAX_MEMBERS = 32;
/** Longest tracestate sent, in characters: what the standard asks everybody to pass on. */
const MAX_LENGTH = 512;
/** Members longer than this go first where the header is too long. */
const LARGE_MEMBER = 128;
/** Longest tracestate read, in characters; longer ones are discarded. Node's own limit for all headers is 16 KiB. */
const MAX_READ_LENGTH = 8192;
const MAX_PART_LENGTH = 256;

const KEY_START = 1;
const KEY = 2;
const VALUE = 4;
const CLASS = new Uint8Array(128);
for (let code = 0x20; code < 0x7f; code++) {
  const character = String.fromCharCode(code);
  if (/[a-z0-9]/.test(character)) CLASS[code] |= KEY_START;
  if (/[a-z0-9_\-*/@]/.test(character)) CLASS[code] |= KEY;
  if (character !== ',' && character !== '=') CLASS[code] |= VALUE;
}

export interface ParsedTracestate {
  /** Value of the `forge` member. */
  readonly forge: string | undefined;
  /** Value of the `ot` member. */
  readonly ot: string | undefined;
  /** All other members in their order, comma-separated without blanks. */
  readonly others: string | undefined;
}

const NOTHING: ParsedTracestate = { forge: undefined, ot: undefined, others: undefined };

/** Takes a tracestate header apart. Invalid in any part: nothing of it. Of a doubled key, the first (the latest) stays. */
export function parseTracestate(header: string): ParsedTracestate {
  if (header.length === 0 || header.length > MAX_READ_LENGTH) return NOTHING;
  let forge: string | undefined;
  let ot: string | undefined;
  const keys: string[] = [];
  let others = '';
  let start = 0;
  while (start <= header.length) {
    let end = header.indexOf(',', start);
    if (end < 0) end = header.length;
    let from = start;
    let to = end;
    while (from < to && isOws(header.charCodeAt(from))) from++;
    while (to > from && isOws(header.charCodeAt(to - 1))) to--;
    start = end + 1;
    if (from === to) continue; // an empty member is allowed and says nothing
    const equals = memberEquals(header, from, to);
    if (equals < 0) return NOTHING;
    const key = header.slice(from, equals);
    if (keys.includes(key)) continue;
    keys.push(key);
    if (keys.length > MAX_MEMBERS) return NOTHING;
    if (key === 'forge') forge = header.slice(equals + 1, to);
    else if (key === 'ot') ot = header.slice(equals + 1, to);
    else others += others === '' ? header.slice(from, to) : `,${header.slice(from, to)}`;
  }
  return { forge, ot, others: others === '' ? undefined : others };
}

/** Where the `=` of a valid member lies; -1 for an invalid one. */
function memberEquals(header: string, from: number, to: number): number {
  const equals = header.indexOf('=', from);
  if (equals <= from || equals >= to - 1) return -1;
  if (equals - from > MAX_PART_LENGTH || to - equals - 1 > MAX_PART_LENGTH) return -1;
  if (!has(header.charCodeAt(from), KEY_START)) return -1;
  for (let i = from + 1; i < equals; i++) if (!has(header.charCodeAt(i), KEY)) return -1;
  for (let i = equals + 1; i < to; i++) if (!has(header.charCodeAt(i), VALUE)) return -1;
  return equals;
}

function has(code: number, what: number): boolean {
  return code < 128 && (CLASS[code] & what) !== 0;
}

const REASONS: readonly KeepReason[] = ['error', 'slow', 'peer', 'forced', 'job'];

/** The span id after `p:`, undefined where there is no valid one. */
export function forgeSpanId(forge: string): string | undefined {
  const at = forge.startsWith('p:') ? 2 : forge.indexOf(';p:') + 3;
  if (at < 3 && at !== 2) return undefined;
  const end = at + 16;
  if (!isHexId(forge, at, 16) || (end < forge.length && forge.charCodeAt(end) !== 59)) return undefined;
  return forge.slice(at, end);
}

/** The reason after `k:`, undefined where there is no known one. */
export function forgeKeep(forge: string): KeepReason | undefined {
  const at = forge.startsWith('k:') ? 2 : forge.indexOf(';k:') + 3;
  if (at < 3 && at !== 2) return undefined;
  for (const reason of REASONS) {
    const end = at + reason.length;
    if (forge.startsWith(reason, at) && (end === forge.length || forge.charCodeAt(end) === 59)) return reason;
  }
  return undefined;
}

/** Our member's value. */
export function writeForge(spanId: string, keep: KeepReason | undefined): string {
  return keep === undefined ? `p:${spanId}` : `p:${spanId};k:${keep}`;
}

// The shortest member, `a=b`, is 4 characters with its comma: below this, no count and no length can be over its limit.
const SURELY_FITS = 4 * (MAX_MEMBERS - 2) - 1;

/**
 * `first` (our and the sampler's members) followed by `others`, within 32 members and 512 characters: over the length,
 * members of more than 128 characters go first, then the last ones; over the count, the last ones.
 */
export function joinTracestate(first: string, others: string | undefined): string {
  if (others === undefined) return first;
  if (others.length < SURELY_FITS && first.length + others.length < MAX_LENGTH)
    return first === '' ? others : `${first},${others}`;
  const members = first === '' ? [] : first.split(',');
  const fixed = members.length;
  members.push(...others.split(','));
  members.length = Math.min(members.length, MAX_MEMBERS);
  let length = members.reduce((sum, member) => sum + member.length + 1, -1);
  for (let i = members.length - 1; i >= fixed && length > MAX_LENGTH; i--) {
    if (members[i].length > LARGE_MEMBER) length -= members.splice(i, 1)[0].length + 1;
  }
  while (members.length > fixed && length > MAX_LENGTH) length -= members.pop()!.length + 1;
  return members.join(',');
}
