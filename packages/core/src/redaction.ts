import { redactCards } from './redact-cards.ts';
import { Suspicion, suspicionOf } from './suspicion.ts';

/** Stands where a secret was. */
export const REDACTED = '[redacted]';

/** Keeps secrets out of spans, as their values are set. No method throws. */
export interface Redactor {
  /** Whether `set` must ask too: keys were named that instrumentations may use. */
  readonly asksForAll: boolean;
  /** What may be kept of a tag's or a log field's value; undefined: nothing, not even that it was there. */
  value(key: string, value: unknown): unknown;
  /** What may be kept of a text that nobody named: an error's message, its stack, a log line. */
  text(text: string): string;
}

export interface RedactionOptions {
  /** Further keys whose values are never kept, whatever they are: `user.email`. Case and punctuation do not matter. */
  readonly keys?: readonly string[];
  /** Further texts to hide wherever they stand; must be global (`/g`). */
  readonly text?: readonly RegExp[];
  /**
   * Asked last, with what the other rules left: returns what is kept, undefined to drop the tag. Called for every tag and
   * log field, on the application's path: must be quick. What throws hides the value.
   */
  readonly redact?: (key: string, value: unknown) => unknown;
}

/** Letters and digits of a key, in lower case: `http.request.header.x-api-key` holds `apikey`. */
const SECRET_KEY =
  /authorization|cookie|passw|passphrase|pwd|secret|token|apikey|accesskey|privatekey|credential|cardnumber|creditcard|cvv|cvc|securitycode|socialsecurity/;
/** Of these, numbers are secrets too; of the others they are counts: `input_tokens`. */
const SECRET_NUMBER = /passw|pwd|cardnumber|creditcard|cvv|cvc|securitycode|socialsecurity/;

const RULES: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, REDACTED],
  // JSON web tokens
  [/\beyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)?/g, REDACTED],
  // The password of a URL
  [/(:\/\/[^:/?#@\s]*):[^@\s/]*@/g, `$1:${REDACTED}@`],
  [/\b(bearer|basic)(\s+)(?=[\w.~+/=-]*\d|[\w.~+/=-]{20})[\w.~+/=-]{8,}/gi, `$1$2${REDACTED}`],
  // cookie: a=b; c=d
  [/\b((?:set-)?cookie["']?\s*[:=]\s*["']?)[^"'\r\n]+/gi, `$1${REDACTED}`],
  // password=.., "apiKey": "..", access_token: .., but not their words alone
  [
    /((?:authorization|passw(?:or)?d|passphrase|pwd|secret|token|api[-_]?key|access[-_]?key|client[-_]?secret)\w*(?:["']\s*:|\s*=|:)\s*)(?:"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|(?!\[redacted\])[^\s"',;&)}\]]+)/gi,
    `$1${REDACTED}`,
  ],
  // PostgreSQL quotes rejected values
  [/(invalid input (?:syntax|value) for [\w ]+(?:"[\w ]+")?: )".*"/g, `$1"?"`],
  [/(malformed [\w ]+: )".*"/g, `$1"?"`],
  [/(value )".*"( is out of range)/g, `$1"?"$2`],
  [/(out of range: )".*"/g, `$1"?"`],
  [/(at or near )".*"/g, `$1"?"`],
];

const MAX_KNOWN_KEYS = 1000;

/**
 * The rules that hold by default, and further ones: authorization, cookies, passwords, tokens and keys by their names;
 * card numbers (by their check digit), JSON web tokens, bearer tokens, private keys, passwords in URLs and in
 * `password=..` by how they look; values that PostgreSQL quotes in its errors.
 */
export function createRedactor(options: RedactionOptions = {}): Redactor {
  const own = new Set((options.keys ?? []).map(normalized));
  const patterns = (options.text ?? []).filter((pattern) => pattern.global);
  const { redact } = options;
  const kinds = new Map<string, KeyKind>();

  function kindOf(key: string): KeyKind {
    let kind = kinds.get(key);
    if (kind === undefined) {
      const name = normalized(key);
      if (own.has(name)) kind = KeyKind.secret;
      else if (!SECRET_KEY.test(name)) kind = KeyKind.open;
      else kind = SECRET_NUMBER.test(name) ? KeyKind.secret : KeyKind.secretText;
      if (kinds.size < MAX_KNOWN_KEYS) kinds.set(key, kind);
    }
    return kind;
  }

  const isSecret = (name: string): boolean => kindOf(name) !== KeyKind.open;

  function text(given: string): string {
    let kept = given;
    const suspicion = suspicionOf(given, isSecret);
    if ((suspicion & Suspicion.digits) !== 0) kept = redactCards(kept, REDACTED);
    if ((suspicion & Suspicion.words) !== 0)
      for (const [pattern, replacement] of RULES) kept = kept.replace(pattern, replacement);
    for (const pattern of patterns) kept = kept.replace(pattern, REDACTED);
    return kept;
  }

  function byRules(key: string, value: unknown): unknown {
    const kind = kindOf(key);
    if (kind === KeyKind.secret) return REDACTED;
    if (typeof value === 'string') return kind === KeyKind.secretText ? REDACTED : text(value);
    if (!Array.isArray(value)) return value;
    return value.map((item: unknown) => {
      if (typeof item !== 'string') return item;
      return kind === KeyKind.secretText ? REDACTED : text(item);
    });
  }

  return {
    asksForAll: own.size > 0 || redact !== undefined,
    text,
    value(key, value) {
      const kept = byRules(key, value);
      if (redact === undefined) return kept;
      try {
        return redact(key, kept);
      } catch {
        return REDACTED;
      }
    },
  };
}

/** What a key's name says of its value: nothing, that a text is a secret, or that anything is. */
const KeyKind = { open: 0, secretText: 1, secret: 2 } as const;
type KeyKind = (typeof KeyKind)[keyof typeof KeyKind];

function normalized(key: string): string {
  return key.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
}

/** Keeps everything: for programs that take spans apart, and tests. */
export const NO_REDACTION: Redactor = { asksForAll: false, value: (_key, value) => value, text: (text) => text };
