import { Buffer } from 'node:buffer';

const FIRST_BYTES = 64 * 1024;
const MOST_KEPT_BYTES = 4 * 1024 * 1024;
const LARGEST_ZIGZAG = 2 ** 50;

/** Writes small pieces one after the other into a buffer that grows and is reused. */
export class ForwardWriter {
  #bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #length = 0;

  reset(): void {
    if (this.#bytes.length > MOST_KEPT_BYTES) this.#bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
    this.#length = 0;
  }

  /** A copy of all that was written. */
  take(): Uint8Array<ArrayBuffer> {
    return Uint8Array.from(this.#bytes.subarray(0, this.#length));
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.#length + count));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  /** A whole number of 0 to 2^53 - 1. */
  varint(value: number): void {
    this.#reserve(8);
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 128)) this.#bytes[this.#length++] = (rest % 128) | 0x80;
    this.#bytes[this.#length++] = rest;
  }

  /** Any number: small integers in few bytes, all others in nine. */
  number(value: number): void {
    if (Number.isInteger(value) && value < LARGEST_ZIGZAG && value > -LARGEST_ZIGZAG && !Object.is(value, -0)) {
      this.varint(value >= 0 ? value * 4 : -value * 4 - 2);
      return;
    }
    this.byte(1);
    this.double(value);
  }

  double(value: number): void {
    this.#reserve(8);
    this.#length = this.#bytes.writeDoubleLE(value, this.#length);
  }

  /** UTF-8 with its length in front, times two: the lowest bit is the caller's. */
  text(text: string): void {
    const count = Buffer.byteLength(text);
    this.varint(count * 2);
    this.#reserve(count);
    this.#length += this.#bytes.write(text, this.#length, count, 'utf8');
  }

  hex(digits: string): void {
    this.#reserve(digits.length >> 1);
    this.#length += this.#bytes.write(digits, this.#length, 'hex');
  }
}
