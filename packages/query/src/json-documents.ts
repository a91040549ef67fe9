import { QueryErrors } from './errors.ts';
import { ProblemError } from './problem.ts';

export interface SplitLimits {
  /** A document is handed out once it is this long. Default 4 MB. */
  readonly pieceBytes?: number;
  /** Longest single member of a list, or whole object. Default 256 MB. */
  readonly maxElementBytes?: number;
}

/**
 * Cuts trace files of any size into JSON documents of some megabytes that mean the same together:
 *
 * ```text
 * [a, b, c, d]                 ->  [a, b]  [c, d]
 * {"resourceSpans": [a, b, c]} ->  {"resourceSpans":[a, b]}  {"resourceSpans":[c]}
 * {...} {...}  (one a line)    ->  {...}  {...}
 * ```
 *
 * Only strings and brackets are looked at; whether a piece is JSON is found out by who parses it.
 * @throws ProblemError 400 where it ends early or is no JSON, 413 for a member over the limit
 */
export async function* jsonDocuments(
  bytes: AsyncIterable<Uint8Array>,
  limits: SplitLimits = {},
): AsyncGenerator<string> {
  const splitter = new Splitter(limits.pieceBytes ?? 4_000_000, limits.maxElementBytes ?? 256_000_000);
  for await (const chunk of bytes) {
    splitter.take(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    yield* splitter.documents.splice(0);
  }
  splitter.end();
  yield* splitter.documents;
}

/** Where the scan is: between documents, in an object, in a list that is cut, or behind that list in its object. */
const Place = { top: 0, object: 1, list: 2, rest: 3 } as const;

/** Lists within a top-level object that are cut: OTLP's, and that of Jaeger's UI. */
const LIST_KEYS = new Set(['resourceSpans', 'resource_spans', 'data']);
const MAX_KEY_LENGTH = 16;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

class Splitter {
  readonly documents: string[] = [];
  readonly #pieceBytes: number;
  readonly #maxElementBytes: number;
  #place: (typeof Place)[keyof typeof Place] = Place.top;
  #depth = 0;
  #inString = false;
  #escaped = false;
  /** The string read last at depth 1 of an object: the name of the member that follows. */
  #key = '';
  /** What stands around the members of the list, and their depth. */
  #before = '';
  #after = '';
  #listDepth = 0;
  /** What was captured of the present element, in earlier chunks. */
  #parts: Buffer[] = [];
  #partBytes = 0;
  /** Whole elements that were not handed out yet. */
  #elements: string[] = [];
  #elementBytes = 0;
  /** Bytes of earlier chunks. */
  #offset = 0;

  constructor(pieceBytes: number, maxElementBytes: number) {
    this.#pieceBytes = pieceBytes;
    this.#maxElementBytes = maxElementBytes;
  }

  take(chunk: Buffer): void {
    let from = 0; // where the captured element goes on in this chunk
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i];
      if (this.#inString) {
        this.#stringByte(byte);
        continue;
      }
      if (byte === QUOTE) {
        if (this.#place === Place.top) throw this.#invalid(i, 'neither an object nor a list');
        this.#inString = true;
        this.#key = '';
      } else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
        if (this.#open(byte)) from = this.#place === Place.list ? i + 1 : i;
      } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) {
        this.#depth--;
        if (this.#depth < 0) throw this.#invalid(i, 'a bracket closes that was never opened');
        if (this.#place === Place.list && this.#depth === this.#listDepth - 1) {
          this.#endElement(chunk.subarray(from, i));
          this.#handOut();
          this.#place = this.#depth === 0 ? Place.top : Place.rest;
        } else if (this.#depth === 0) {
          if (this.#place === Place.object) this.documents.push(this.#captured(chunk.subarray(from, i + 1)));
          this.#place = Place.top;
        }
      } else if (byte === COMMA && this.#place === Place.list && this.#depth === this.#listDepth) {
        this.#endElement(chunk.subarray(from, i));
        from = i + 1;
      } else if (this.#place === Place.top && byte > 0x20 && !this.#isByteOrderMark(byte, i)) {
        throw this.#invalid(i, 'neither an object nor a list');
      }
    }
    if (this.#place === Place.object || this.#place === Place.list) this.#keep(chunk.subarray(from));
    this.#offset += chunk.length;
  }

  end(): void {
    if (this.#place !== Place.top) throw this.#invalid(0, 'the document ends early');
  }

  #stringByte(byte: number): void {
    if (this.#escaped) this.#escaped = false;
    else if (byte === BACKSLASH) this.#escaped = true;
    else if (byte === QUOTE) this.#inString = false;
    else if (this.#depth === 1 && this.#place === Place.object && this.#key.length < MAX_KEY_LENGTH)
      this.#key += String.fromCharCode(byte);
  }

  /** Goes one deeper; returns whether a capture begins here. */
  #open(byte: number): boolean {
    this.#depth++;
    if (this.#place === Place.top) {
      this.#place = byte === OPEN_LIST ? Place.list : Place.object;
      if (byte === OPEN_LIST) this.#beginList('[', ']');
      return true;
    }
    if (this.#place !== Place.object || this.#depth !== 2 || byte !== OPEN_LIST || !LIST_KEYS.has(this.#key))
      return false;
    this.#place = Place.list;
    this.#beginList(`{"${this.#key}":[`, ']}');
    return true;
  }

  #beginList(before: string, after: string): void {
    this.#before = before;
    this.#after = after;
    this.#listDepth = this.#depth;
    this.#parts = [];
    this.#partBytes = 0;
  }

  #endElement(last: Buffer): void {
    const text = this.#captured(last).trim();
    // An empty list has no element; an empty place between commas is left for the parser to refuse.
    if (text === '' && this.#elements.length === 0) return;
    this.#elements.push(text);
    this.#elementBytes += text.length;
    if (this.#elementBytes >= this.#pieceBytes) this.#handOut();
  }

  #handOut(): void {
    if (this.#elements.length > 0) this.documents.push(this.#before + this.#elements.join(',') + this.#after);
    this.#elements = [];
    this.#elementBytes = 0;
  }

  #keep(part: Buffer): void {
    this.#partBytes += part.length;
    if (this.#partBytes > this.#maxElementBytes)
      throw new ProblemError(
        413,
        QueryErrors.tooLarge,
        `a single member is longer than ${this.#maxElementBytes} bytes, near byte ${this.#offset}`,
      );
    // A copy: the chunk's memory may be used again.
    if (part.length > 0) this.#parts.push(Buffer.from(part));
  }

  #captured(last: Buffer): string {
    const text = this.#parts.length === 0 ? last.toString() : Buffer.concat([...this.#parts, last]).toString();
    this.#parts = [];
    this.#partBytes = 0;
    return text;
  }

  #isByteOrderMark(byte: number, i: number): boolean {
    return this.#offset === 0 && i < 3 && byte === [0xef, 0xbb, 0xbf][i];
  }

  #invalid(i: number, what: string): ProblemError {
    return new ProblemError(400, QueryErrors.invalidBody, `no JSON: ${what}, at byte ${this.#offset + i}`);
  }
}
