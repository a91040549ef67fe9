import { Buffer } from 'node:buffer';
import { formatError } from '../errors.ts';
import { ShortStrings } from './short-strings.ts';

const MOST_DEPTH = 32;
const TWO_TO_32 = 0x1_0000_0000;
// The least bytes an item of each type takes: a list cannot hold more of them than bytes are left.
const LEAST_BYTES: Readonly<Record<number, number>> = {
  2: 1,
  3: 1,
  4: 8,
  6: 2,
  8: 4,
  10: 8,
  11: 4,
  12: 1,
  13: 6,
  14: 5,
  15: 5,
};

/** Reads Thrift's binary protocol; every bound is checked. Throws FORGE_FORMAT_INVALID with the offset. */
export class ThriftReader {
  readonly #bytes: Buffer;
  readonly #strings = new ShortStrings();
  position = 0;
  /** Of the field or list read last. */
  type = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get atEnd(): boolean {
    return this.position >= this.#bytes.length;
  }

  fail(what: string): never {
    throw formatError('FORGE_FORMAT_INVALID', `not a Thrift struct: ${what} at byte ${this.position}`);
  }

  #advance(count: number): number {
    const start = this.position;
    if (start + count > this.#bytes.length) this.fail('it breaks off');
    this.position = start + count;
    return start;
  }

  /** The next field's id, its type in `type`; -1 at the end of the struct. */
  field(): number {
    this.type = this.#bytes[this.#advance(1)];
    return this.type === 0 ? -1 : this.#bytes.readInt16BE(this.#advance(2));
  }

  /** A list's length, its items' type in `type`. */
  list(): number {
    const type = this.#bytes[this.#advance(1)];
    const length = this.#bytes.readInt32BE(this.#advance(4));
    const least = LEAST_BYTES[type];
    if (least === undefined) this.fail(`type ${type}`);
    if (length < 0 || length * least > this.#bytes.length - this.position) this.fail(`a list of ${length} items`);
    this.type = type;
    return length;
  }

  bool(): boolean {
    return this.#bytes[this.#advance(1)] !== 0;
  }

  i32(): number {
    return this.#bytes.readInt32BE(this.#advance(4));
  }

  /** A number where it is safe, else its digits. */
  i64(): number | string {
    const start = this.#advance(8);
    const value = this.#bytes.readInt32BE(start) * TWO_TO_32 + this.#bytes.readUInt32BE(start + 4);
    return Number.isSafeInteger(value) ? value : this.#bytes.readBigInt64BE(start).toString();
  }

  /** An i64 that counts something: out of the safe range, the nearest double. */
  number(): number {
    return Number(this.i64());
  }

  /** An i64 that is an id, as 16 hex digits. */
  id(): string {
    const start = this.#advance(8);
    return this.#bytes.toString('hex', start, start + 8);
  }

  double(): number {
    return this.#bytes.readDoubleBE(this.#advance(8));
  }

  #length(): number {
    const length = this.#bytes.readInt32BE(this.#advance(4));
    if (length < 0) this.fail(`a text of ${length} bytes`);
    return length;
  }

  text(): string {
    const length = this.#length();
    const start = this.#advance(length);
    return this.#strings.read(this.#bytes, start, start + length);
  }

  base64(): string {
    const length = this.#length();
    const start = this.#advance(length);
    return this.#bytes.toString('base64', start, start + length);
  }

  /** Passes over a value of this type. */
  skip(type: number, depth = 0): void {
    if (depth > MOST_DEPTH) this.fail(`values nest deeper than ${MOST_DEPTH}`);
    switch (type) {
      case 11:
        this.#advance(this.#length());
        return;
      case 12:
        for (let id = this.field(); id >= 0; id = this.field()) this.skip(this.type, depth + 1);
        return;
      case 13: {
        const [keys, values] = [this.#bytes[this.#advance(1)], this.#bytes[this.#advance(1)]];
        const length = this.#bytes.readInt32BE(this.#advance(4));
        if (length < 0 || length > this.#bytes.length - this.position) this.fail(`a map of ${length} items`);
        for (let i = 0; i < length; i++) {
          this.skip(keys, depth + 1);
          this.skip(values, depth + 1);
        }
        return;
      }
      case 14:
      case 15: {
        const length = this.list();
        const items = this.type;
        for (let i = 0; i < length; i++) this.skip(items, depth + 1);
        return;
      }
      default: {
        const bytes = LEAST_BYTES[type];
        if (bytes === undefined) this.fail(`type ${type}`);
        this.#advance(bytes);
      }
    }
  }
}
