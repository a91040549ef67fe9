import { Buffer } from 'node:buffer';
import { formatError } from '../errors.ts';
import { ShortStrings } from './short-strings.ts';

const TWO_TO_32 = 0x1_0000_0000;
const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Reads protobuf's wire format; every bound is checked. Throws FORGE_FORMAT_INVALID with the offset. */
export class ProtobufReader {
  readonly #bytes: Buffer;
  readonly #strings = new ShortStrings();
  position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get length(): number {
    return this.#bytes.length;
  }

  fail(what: string): never {
    throw formatError('FORGE_FORMAT_INVALID', `not a protobuf message: ${what} at byte ${this.position}`);
  }

  /** The next field's number * 8 + wire type. */
  tag(end: number): number {
    const tag = this.varint(end);
    if (tag < 8 || tag > 0xffff_ffff) this.fail('a field number out of range');
    return tag;
  }

  /** An unsigned varint; beyond 2^53 only its lower bits are exact. */
  varint(end: number): number {
    const bytes = this.#bytes;
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 10; i++) {
      if (this.position >= end) this.fail('a number that breaks off');
      const byte = bytes[this.position++];
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    return this.fail('a number of more than ten bytes');
  }

  /** A varint as int64: a number where it is safe, else its digits. */
  int64(end: number): number | string {
    const bytes = this.#bytes;
    let low = 0;
    let middle = 0;
    let high = 0;
    for (let i = 0; ; i++) {
      if (this.position >= end) this.fail('a number that breaks off');
      const byte = bytes[this.position++];
      if (i < 4) low |= (byte & 0x7f) << (7 * i);
      else if (i < 8) middle |= (byte & 0x7f) << (7 * (i - 4));
      else high |= (byte & 0x7f) << (7 * (i - 8));
      if (byte < 0x80) break;
      if (i === 9) this.fail('a number of more than ten bytes');
    }
    // 28 + 28 + 8 bits.
    const upper = ((middle >>> 4) | (high << 24)) >>> 0;
    const lower = (low | (middle << 28)) >>> 0;
    const value = (upper | 0) * TWO_TO_32 + lower;
    if (Number.isSafeInteger(value)) return value;
    return BigInt.asIntN(64, (BigInt(upper) << 32n) | BigInt(lower)).toString();
  }

  /** Where the length-delimited field ends. */
  lengthDelimited(end: number): number {
    const length = this.varint(end);
    const fieldEnd = this.position + length;
    if (fieldEnd > end) this.fail('a field longer than its message');
    return fieldEnd;
  }

  text(end: number): string {
    const fieldEnd = this.lengthDelimited(end);
    const start = this.position;
    this.position = fieldEnd;
    return this.#strings.read(this.#bytes, start, fieldEnd);
  }

  base64(end: number): string {
    const fieldEnd = this.lengthDelimited(end);
    const start = this.position;
    this.position = fieldEnd;
    return this.#bytes.toString('base64', start, fieldEnd);
  }

  /** A field of bytes as lowercase hex digits. */
  hex(end: number): string {
    const fieldEnd = this.lengthDelimited(end);
    let text = '';
    if (fieldEnd - this.position > 64) this.fail('an id that is too long');
    while (this.position < fieldEnd) text += HEX[this.#bytes[this.position++]];
    return text;
  }

  fixed32(end: number): number {
    if (this.position + 4 > end) this.fail('a number that breaks off');
    const value = this.#bytes.readUInt32LE(this.position);
    this.position += 4;
    return value;
  }

  /** Unsigned nanoseconds as whole microseconds, rounded down. */
  fixed64Micros(end: number): number {
    if (this.position + 8 > end) this.fail('a number that breaks off');
    const low = this.#bytes.readUInt32LE(this.position);
    const high = this.#bytes.readUInt32LE(this.position + 4);
    this.position += 8;
    // high * 2^32 does not fit a double exactly: divided by halves.
    const thousands = Math.floor(high / 1000);
    return thousands * TWO_TO_32 + Math.floor(((high - thousands * 1000) * TWO_TO_32 + low) / 1000);
  }

  double(end: number): number {
    if (this.position + 8 > end) this.fail('a number that breaks off');
    const value = this.#bytes.readDoubleLE(this.position);
    this.position += 8;
    return value;
  }

  /** Passes over a field that is not known. */
  skip(tag: number, end: number): void {
    switch (tag & 7) {
      case 0:
        this.varint(end);
        return;
      case 1:
        this.position += 8;
        break;
      case 2:
        this.position = this.lengthDelimited(end);
        return;
      case 5:
        this.position += 4;
        break;
      default:
        this.fail(`wire type ${tag & 7}`);
    }
    if (this.position > end) this.fail('a field that breaks off');
  }
}
