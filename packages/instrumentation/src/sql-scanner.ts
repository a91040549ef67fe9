/** What the scanner meets on its way, in the order of the text. Literals and comments are left out. */
export interface SqlSink {
  /** A keyword or a name, as written; `quoted` ones without their quotes. */
  word(text: string, quoted: boolean): void;
  /** One character of punctuation or of an operator, as a char code. */
  mark(code: number): void;
  /** A literal or a parameter. */
  value(): void;
}

const TAB = 9;
const RETURN = 13;
const SPACE = 32;
const DOUBLE_QUOTE = 34;
const DOLLAR = 36;
const AMPERSAND = 38;
const QUOTE = 39;
const OPEN = 40;
const STAR = 42;
const PLUS = 43;
const COMMA = 44;
const MINUS = 45;
const DOT = 46;
const SLASH = 47;
const COLON = 58;
const BACKSLASH = 92;
const UNDERSCORE = 95;
const BACKTICK = 96;
const LOWER = 32; // or-ed to a letter's code: its lower case

/**
 * Copies `text` without its literals and comments, telling `sink` what it meets. One pass, no regular expression.
 *
 * - strings of every kind ('..', E'..', U&'..', B'..', X'..', N'..', $tag$..$tag$) and numbers (sign included) become `?`
 * - comments, nested ones too, vanish; a space stays where two words would grow together
 * - parameters ($1, ?, :name) and quoted identifiers stay
 * - `IN (1, 2, 3)` becomes `IN (?)`, so that a list's length makes no new statement
 * - what is not closed is taken to reach to the end: nothing of it is shown
 *
 * A backslash escapes in E'..' only, as PostgreSQL has it since 9.1 (`standard_conforming_strings`).
 *
 * @param maxLength stops once that many characters are written; the result then ends with `...`
 */
export function scanSql(text: string, maxLength: number, sink: SqlSink): string {
  const end = text.length;
  let out = '';
  let copied = 0; // text before this index is in `out`, or left out on purpose
  let at = 0;
  let wordBefore = false; // the last character written belongs to a word: it must not touch another
  let cutHere = false; // a comment was cut out since
  let list: ListState = ListState.none;
  let listEnd = 0; // length of `out` after the list's last `?`

  while (at < end) {
    if (out.length + (at - copied) >= maxLength) return cutText(out + text.slice(copied, at), maxLength);
    const code = text.charCodeAt(at);

    // --- blanks and comments ---
    if (code === SPACE || (code >= TAB && code <= RETURN)) {
      at++;
      wordBefore = false;
      continue;
    }
    if (code === MINUS && text.charCodeAt(at + 1) === MINUS) {
      out += text.slice(copied, at);
      at = lineEnd(text, at);
      copied = at;
      cutHere = true;
      continue;
    }
    if (code === SLASH && text.charCodeAt(at + 1) === STAR) {
      out += text.slice(copied, at);
      at = commentEnd(text, at);
      copied = at;
      cutHere = true;
      continue;
    }

    // --- literals ---
    const literal = literalEnd(text, at, code);
    if (literal > at) {
      out += text.slice(copied, at);
      if (list === ListState.separated) out = out.slice(0, listEnd);
      else out += wordBefore && cutHere ? ' ?' : '?';
      if (list !== ListState.none) {
        list = ListState.filled;
        listEnd = out.length;
      }
      at = literal;
      copied = at;
      wordBefore = false;
      cutHere = false;
      sink.value();
      continue;
    }

    // --- names and keywords, parameters ($1, :name) ---
    const quote = code === DOUBLE_QUOTE || code === BACKTICK;
    if (quote || isWordStart(code) || code === DOLLAR) {
      if (wordBefore && cutHere) out += ' ';
      const start = at;
      at = quote ? quotedEnd(text, at, code) : wordEnd(text, at + 1);
      wordBefore = !quote;
      cutHere = false;
      list = at - start === 2 && isIn(text, start) ? ListState.announced : ListState.none;
      if (code === DOLLAR || isNamedParameter(text, start)) sink.value();
      else sink.word(quote ? unquote(text.slice(start + 1, at - 1), code) : text.slice(start, at), quote);
      continue;
    }

    // --- marks ---
    if (code === OPEN && list === ListState.announced) list = ListState.opened;
    else if (code === COMMA && list === ListState.filled) list = ListState.separated;
    else list = ListState.none;
    at++;
    wordBefore = false;
    cutHere = false;
    sink.mark(code);
  }
  out += text.slice(copied, at);
  return cutText(out, maxLength);
}

/** Where the scanner stands in `IN (1, 2, 3)`. */
const ListState = { none: 0, announced: 1, opened: 2, filled: 3, separated: 4 } as const;
type ListState = (typeof ListState)[keyof typeof ListState];

function cutText(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  const last = text.charCodeAt(maxLength - 4);
  return `${text.slice(0, last >= 0xd800 && last <= 0xdbff ? maxLength - 4 : maxLength - 3)}...`;
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

function isLetter(code: number): boolean {
  return (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
}

/** As PostgreSQL has it: letters, `_` and all that is not ASCII. */
function isWordStart(code: number): boolean {
  return isLetter(code) || code === UNDERSCORE || code > 127;
}

function isWordPart(code: number): boolean {
  return isWordStart(code) || isDigit(code) || code === DOLLAR;
}

function isIn(text: string, at: number): boolean {
  return (text.charCodeAt(at) | LOWER) === 105 && (text.charCodeAt(at + 1) | LOWER) === 110;
}

/** `:name`, but not the type in `x::name`. */
function isNamedParameter(text: string, at: number): boolean {
  return text.charCodeAt(at - 1) === COLON && text.charCodeAt(at - 2) !== COLON;
}

function wordEnd(text: string, at: number): number {
  while (at < text.length && isWordPart(text.charCodeAt(at))) at++;
  return at;
}

/** The end of the literal that starts at `at`; `at` itself where none does. */
function literalEnd(text: string, at: number, code: number): number {
  if (code === QUOTE) return stringEnd(text, at, false);
  if (isDigit(code)) return numberEnd(text, at);
  const next = text.charCodeAt(at + 1);
  if (code === DOT) return isDigit(next) ? numberEnd(text, at) : at;
  if (code === PLUS || code === MINUS) {
    return isDigit(next) || (next === DOT && isDigit(text.charCodeAt(at + 2))) ? numberEnd(text, at + 1) : at;
  }
  if (code === DOLLAR) return dollarStringEnd(text, at);
  // A name that is never closed may be the start of anything.
  if ((code === DOUBLE_QUOTE || code === BACKTICK) && quotedEnd(text, at, code) === 0) return text.length;
  // E'..', B'..', X'..', N'..', U&'..'
  const letter = code | LOWER;
  if (next === QUOTE && (letter === 101 || letter === 98 || letter === 120 || letter === 110))
    return stringEnd(text, at + 1, letter === 101);
  if (next === AMPERSAND && letter === 117 && text.charCodeAt(at + 2) === QUOTE) return stringEnd(text, at + 2, false);
  return at;
}

/** Past the quote that closes the string opened at `at`; the end of the text where none does. */
function stringEnd(text: string, at: number, backslashes: boolean): number {
  for (at++; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === BACKSLASH && backslashes) at++;
    else if (code === QUOTE) {
      if (text.charCodeAt(at + 1) !== QUOTE) return at + 1;
      at++;
    }
  }
  return text.length;
}

/**
 * Past a number: 12, 1_000, .5, 1e-5, 0xFF. Letters that follow without a gap belong to it:
 * they are no SQL, and may be anything (`4111abc`), so they go too.
 */
function numberEnd(text: string, at: number): number {
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === PLUS || code === MINUS) {
      const exponent =
        (text.charCodeAt(at - 1) | LOWER) === 101 &&
        isDigit(text.charCodeAt(at - 2)) &&
        isDigit(text.charCodeAt(at + 1));
      if (!exponent) return at;
    } else if (code !== DOT && !isWordPart(code)) return at;
  }
  return at;
}

/** Past $tag$..$tag$; `at` where no tag opens ($1, a lone $). */
function dollarStringEnd(text: string, at: number): number {
  let tagEnd = at + 1;
  if (isDigit(text.charCodeAt(tagEnd))) return at;
  while (tagEnd < text.length && text.charCodeAt(tagEnd) !== DOLLAR && isWordPart(text.charCodeAt(tagEnd))) tagEnd++;
  if (text.charCodeAt(tagEnd) !== DOLLAR) return at;
  const tag = text.slice(at, tagEnd + 1);
  const close = text.indexOf(tag, tagEnd + 1);
  return close < 0 ? text.length : close + tag.length;
}

/** Past the quote that closes the name opened at `at`; 0 where none does. */
function quotedEnd(text: string, at: number, quote: number): number {
  for (at++; at < text.length; at++) {
    if (text.charCodeAt(at) !== quote) continue;
    if (text.charCodeAt(at + 1) !== quote) return at + 1;
    at++;
  }
  return 0;
}

function unquote(name: string, quote: number): string {
  const mark = String.fromCharCode(quote);
  return name.includes(mark) ? name.replaceAll(mark + mark, mark) : name;
}

function lineEnd(text: string, at: number): number {
  const newline = text.indexOf('\n', at);
  return newline < 0 ? text.length : newline;
}

function commentEnd(text: string, at: number): number {
  let depth = 0;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const next = text.charCodeAt(at + 1);
    if (code === SLASH && next === STAR) {
      depth++;
      at++;
    } else if (code === STAR && next === SLASH) {
      depth--;
      at++;
      if (depth === 0) return at + 1;
    }
  }
  return text.length;
}
