/** What a text may hold; bits. Most texts hold nothing, and cost one look at each character. */
export const Suspicion = { none: 0, digits: 1, words: 2 } as const;

const MIN_LENGTH = 8;
const MIN_CARD_DIGITS = 13;

const SPACE = 32;
const DOUBLE_QUOTE = 34;
const QUOTE = 39;
const DASH = 45;
const SLASH = 47;
const COLON = 58;
const EQUALS = 61;
const BACKSLASH = 92;
const LOWER_C = 99;
const LOWER_E = 101;
const LOWER_R = 114;

/**
 * Whether the rules are worth trying. Never misses what they would find; may be wrong the other way.
 * @param isSecret whether a name is one of a secret; asked for what stands before a colon or an equals sign
 */
export function suspicionOf(text: string, isSecret: (name: string) => boolean): number {
  const length = text.length;
  if (length < MIN_LENGTH) return Suspicion.none;
  let digits = 0; // in a row, blanks and dashes between them not counted
  let isLong = false;
  let quotes = false;
  let words = false;
  for (let at = 0; at < length; at++) {
    const code = text.charCodeAt(at);
    // Letters first: most characters are.
    if (code > EQUALS) {
      digits = 0;
      if (code === LOWER_E && text.charCodeAt(at + 1) === 121 && text.charCodeAt(at + 2) === 74) words = true; // eyJ
    } else if (code >= 48 && code < COLON) {
      if (++digits === MIN_CARD_DIGITS) isLong = true;
    } else if (code === COLON || code === EQUALS) {
      digits = 0;
      words = words || assigns(text, at, code, isSecret);
    } else if (code === SPACE) words = words || endsScheme(text, at);
    else if (code === DASH) {
      if (text.charCodeAt(at + 1) === DASH) words = words || text.startsWith('-----BEGIN', at);
    } else {
      digits = 0;
      if (code === DOUBLE_QUOTE) quotes = true;
    }
  }
  if (!words && quotes) words = quotesRejectedValue(text);
  return (isLong ? Suspicion.digits : 0) | (words ? Suspicion.words : 0);
}

/** `password=`, `"apiKey" :`, `Cookie:`; and a URL that holds more than a host before its path. */
function assigns(text: string, at: number, code: number, isSecret: (name: string) => boolean): boolean {
  if (code === COLON && text.charCodeAt(at + 1) === SLASH && text.charCodeAt(at + 2) === SLASH) {
    return text.indexOf('@', at) > 0;
  }
  let end = at;
  while (end > 0 && isBetween(text.charCodeAt(end - 1))) end--;
  let start = end;
  while (start > 0 && isNamePart(text.charCodeAt(start - 1))) start--;
  return end - start >= 3 && isSecret(text.slice(start, end));
}

/** What may stand between a name and its colon: blanks, the quote that ends it. */
function isBetween(code: number): boolean {
  return code === SPACE || code === DOUBLE_QUOTE || code === QUOTE || code === BACKSLASH;
}

function isNamePart(code: number): boolean {
  const letter = code | 32;
  return (letter >= 97 && letter <= 122) || (code >= 48 && code <= 57) || code === 95 || code === DASH;
}

/** `bearer ` or `basic ` ends here, in any case. */
function endsScheme(text: string, at: number): boolean {
  const before = text.charCodeAt(at - 1) | 32;
  if (before === LOWER_R) return text.slice(Math.max(0, at - 6), at).toLowerCase() === 'bearer';
  return before === LOWER_C && text.slice(Math.max(0, at - 5), at).toLowerCase() === 'basic';
}

/** PostgreSQL's messages; as it writes them. */
function quotesRejectedValue(text: string): boolean {
  return (
    text.includes('invalid input') ||
    text.includes('out of range') ||
    text.includes('malformed') ||
    text.includes('at or near')
  );
}
