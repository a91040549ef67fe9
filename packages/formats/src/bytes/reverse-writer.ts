import { Buffer } from 'node:buffer';

const FIRST_BYTES = 256 * 1024;
const MOST_KEPT_BYTES = 8 * 1024 * 1024;
// Up to here a loop over the characters beats the call into C++ (measured on Node 20: 40 characters 45 ns against 110).
const SHORT_TEXT = 48;
const TWO_TO_32 = 0x1_0000_0000;

/**
 * Writes from the end of a buffer towards its start, so that a message's length is known before its prefix is written:
 * one pass, no sizes computed beforehand, nothing moved afterwards.
 *
 *     | free ............ | name | attributes | events | <- end
 *                         ^ position, moves left
 *
 * The buffer is reused: `reset` before each use.
 */
export class ReverseWriter {
  bytes: Buffer;
  #view: DataView;
  /** Where the first written byte lies. */
  position: number;
  readonly #firstBytes: number;

  constructor(firstBytes = FIRST_BYTES) {
    this.#firstBytes = firstBytes;
    this.bytes = Buffer.allocUnsafeSlow(firstBytes);
    this.#view = new DataView(this.bytes.buffer);
    this.position = firstBytes;
  }

  /** Bytes written so far. */
  get length(): number {
    return this.bytes.length - this.position;
  }

  /** All that was written, where it lies. */
  view(): Uint8Array {
    return this.bytes.subarray(this.position);
  }

  /** A copy of all that was written. */
  take(): Uint8Array<ArrayBuffer> {
    const copy = new Uint8Array(this.length);
    copy.set(this.view());
    return copy;
  }

  /** Forgets what was written, and gives back a buffer that one huge batch had left. */
  reset(): void {
    if (this.bytes.length > MOST_KEPT_BYTES) {
      this.bytes = Buffer.allocUnsafeSlow(this.#firstBytes);
      this.#view = new DataView(this.bytes.buffer);
    }
    this.position = this.bytes.length;
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    if (this.position >= count) return;
    const used = this.length;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, used + count));
    this.bytes.copy(larger, larger.length - used, this.position);
    this.bytes = larger;
    this.#view = new DataView(larger.buffer);
    this.position = larger.length - used;
  }

  byte(value: number): void {
    if (this.position < 1) this.reserve(1);
    this.bytes[--this.position] = value;
  }

  /** An unsigned varint of 0 to 2^53 - 1. */
  varint(value: number): void {
    if (value < 0x80) {
      this.byte(value);
      return;
    }
    this.reserve(10);
    const { bytes } = this;
    let count = 2;
    for (let rest = value; rest >= 0x4000; rest = Math.floor(rest / 128)) count++;
    let position = (this.position -= count);
    let rest = value;
    for (; rest >= TWO_TO_32; rest = Math.floor(rest / 128)) bytes[position++] = (rest % 128) | 0x80;
    let word = rest >>> 0;
    for (; word >= 0x80; word >>>= 7) bytes[position++] = (word & 0x7f) | 0x80;
    bytes[position] = word;
  }

  /** A safe integer as protobuf's int64: negative ones take ten bytes. */
  signedVarint(value: number): void {
    if (value >= 0) {
      this.varint(value);
      return;
    }
    let low = value >>> 0;
    let high = Math.floor(value / TWO_TO_32) >>> 0;
    this.reserve(10);
    const { bytes } = this;
    let position = (this.position -= 10);
    for (let i = 0; i < 9; i++) {
      bytes[position++] = (low & 0x7f) | 0x80;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    bytes[position] = low;
  }

  /** A signed 32-bit word, big endian: ids. */
  wordBE(word: number): void {
    if (this.position < 4) this.reserve(4);
    this.#view.setInt32((this.position -= 4), word);
  }

  wordLE(word: number): void {
    if (this.position < 4) this.reserve(4);
    this.#view.setInt32((this.position -= 4), word, true);
  }

  doubleLE(value: number): void {
    if (this.position < 8) this.reserve(8);
    this.#view.setFloat64((this.position -= 8), value, true);
  }

  doubleBE(value: number): void {
    if (this.position < 8) this.reserve(8);
    this.#view.setFloat64((this.position -= 8), value);
  }

  /** A safe integer in 8 bytes, two's complement, big endian. */
  int64BE(value: number): void {
    if (this.position < 8) this.reserve(8);
    this.#view.setInt32((this.position -= 4), value >>> 0);
    this.#view.setInt32((this.position -= 4), Math.floor(value / TWO_TO_32));
  }

  /** UTF-8, without a length; lone surrogates become U+FFFD. */
  text(text: string): void {
    const { length } = text;
    if (length > SHORT_TEXT) {
      this.#longText(text);
      return;
    }
    if (this.position < length) this.reserve(length);
    const { bytes } = this;
    let { position } = this;
    for (let i = length - 1; i >= 0; i--) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) {
        this.#longText(text);
        return;
      }
      bytes[--position] = code;
    }
    this.position = position;
  }

  /**
   * OTLP's KeyValue with a string, the most frequent message of all, where every length fits one byte: a third of the
   * time of the general way. Writes nothing and returns false where it does not fit.
   *
   *     tag | length | 0A | length | key | 12 | length | 0A | length | value
   */
  shortPair(tag: number, key: string, value: string): boolean {
    const keyLength = key.length;
    const valueLength = value.length;
    if (valueLength > SHORT_TEXT || keyLength > SHORT_TEXT) return false;
    const total = keyLength + valueLength + 8;
    if (this.position < total) this.reserve(total);
    const { bytes } = this;
    let { position } = this;
    for (let i = valueLength - 1; i >= 0; i--) {
      const code = value.charCodeAt(i);
      if (code > 0x7f) return false;
      bytes[--position] = code;
    }
    bytes[position - 1] = valueLength;
    bytes[position - 2] = 0x0a;
    bytes[position - 3] = valueLength + 2;
    bytes[position - 4] = 0x12;
    position -= 4;
    for (let i = keyLength - 1; i >= 0; i--) {
      const code = key.charCodeAt(i);
      if (code > 0x7f) return false;
      bytes[--position] = code;
    }
    bytes[position - 1] = keyLength;
    bytes[position - 2] = 0x0a;
    bytes[position - 3] = total - 2;
    bytes[position - 4] = tag;
    this.position = position - 4;
    return true;
  }

  #longText(text: string): void {
    const count = Buffer.byteLength(text);
    this.reserve(count);
    this.bytes.write(text, (this.position -= count), count, 'utf8');
  }

  /** Bytes as they are. */
  raw(source: Uint8Array): void {
    this.reserve(source.length);
    this.bytes.set(source, (this.position -= source.length));
  }

  /** Lowercase or uppercase hex digits as bytes, an even number of them. Anything else becomes 0. */
  hex(digits: string): void {
    const count = digits.length >> 1;
    this.reserve(count);
    const { bytes } = this;
    let { position } = this;
    for (let i = digits.length - 1; i > 0; i -= 2) {
      bytes[--position] = (NIBBLES[digits.charCodeAt(i - 1) & 0x7f] << 4) | NIBBLES[digits.charCodeAt(i) & 0x7f];
    }
    this.position = position;
  }
}

const NIBBLES = new Uint8Array(128);
for (let i = 0; i < 16; i++) {
  NIBBLES[i.toString(16).charCodeAt(0)] = i;
  NIBBLES[i.toString(16).toUpperCase().charCodeAt(0)] = i;
}
