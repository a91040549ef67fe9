// Lengths of card numbers in use.
const LENGTHS = [19, 16, 15, 14, 13];
const MAX_RUN_DIGITS = 64;

/**
 * Replaces card numbers: 13 to 19 digits, in groups by blanks or dashes or none, that begin as a card network's do and
 * end in the right check digit. Digits within a longer word (an id, a hash, a fraction) are none.
 */
export function redactCards(text: string, replacement: string): string {
  let out = '';
  let copied = 0;
  for (let at = 0; at < text.length; at++) {
    if (!isDigit(text.charCodeAt(at))) continue;
    const end = runEnd(text, at);
    if (!isPartOfWord(text, at - 1, -1) && !isPartOfWord(text, end, 1)) {
      for (const [from, to] of cardsIn(text, at, end)) {
        out += text.slice(copied, from) + replacement;
        copied = to;
      }
    }
    at = end;
  }
  return copied === 0 ? text : out + text.slice(copied);
}

/** Past digits and the single separators between them. */
function runEnd(text: string, at: number): number {
  while (at < text.length) {
    if (isDigit(text.charCodeAt(at))) at++;
    else if (isSeparator(text.charCodeAt(at)) && isDigit(text.charCodeAt(at + 1))) at += 2;
    else break;
  }
  return at;
}

function cardsIn(text: string, start: number, end: number): [from: number, to: number][] {
  const positions: number[] = [];
  for (let at = start; at < end && positions.length < MAX_RUN_DIGITS; at++) {
    if (isDigit(text.charCodeAt(at))) positions.push(at);
  }
  const found: [number, number][] = [];
  for (let first = 0; first < positions.length; first++) {
    // A number starts and ends where a group does.
    if (first > 0 && positions[first - 1] + 1 === positions[first]) continue;
    const length = LENGTHS.find((digits) => isCard(text, positions, first, digits));
    if (length === undefined) continue;
    const last = first + length - 1;
    found.push([positions[first], positions[last] + 1]);
    first = last;
  }
  return found;
}

function isCard(text: string, positions: readonly number[], first: number, length: number): boolean {
  const last = first + length - 1;
  if (last >= positions.length) return false;
  if (last + 1 < positions.length && positions[last] + 1 === positions[last + 1]) return false;
  let prefix = 0;
  let sum = 0;
  let same = true;
  for (let i = 0; i < length; i++) {
    const digit = text.charCodeAt(positions[first + i]) - 48;
    if (i < 4) prefix = prefix * 10 + digit;
    if (i > 0 && text.charCodeAt(positions[first + i - 1]) - 48 !== digit) same = false;
    // Luhn: every second digit from the last but one counts twice, its digits added up.
    const twice = (length - i) % 2 === 0;
    const weight = twice ? digit * 2 : digit;
    sum += weight > 9 ? weight - 9 : weight;
  }
  return sum % 10 === 0 && !same && isNetwork(prefix, length);
}

/** By the first four digits: Visa, Mastercard, American Express, Discover, JCB, Diners, UnionPay, Maestro. */
function isNetwork(prefix: number, length: number): boolean {
  const two = Math.floor(prefix / 100);
  if (two >= 40 && two <= 49) return length === 13 || length === 16 || length === 19;
  if ((two >= 51 && two <= 55) || (prefix >= 2221 && prefix <= 2720)) return length === 16;
  if (two === 34 || two === 37) return length === 15;
  if (two === 36 || two === 38 || two === 39 || (prefix >= 3000 && prefix <= 3059)) return length >= 14;
  if (prefix >= 3528 && prefix <= 3589) return length >= 16;
  return (two === 60 || two === 62 || two === 64 || two === 65 || two === 67 || two === 50) && length >= 16;
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

function isSeparator(code: number): boolean {
  return code === 32 || code === 45;
}

/** A letter, or a point with a digit beyond it; `way` leads away from the digits. */
function isPartOfWord(text: string, at: number, way: 1 | -1): boolean {
  const code = text.charCodeAt(at);
  if (code === 46) return isDigit(text.charCodeAt(at + way));
  return (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 95;
}
