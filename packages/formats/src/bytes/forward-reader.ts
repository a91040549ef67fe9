import { Buffer } from 'node:buffer';
import { formatError } from '../errors.ts';

/** Reads what `ForwardWriter` wrote; every bound is checked. Throws FORGE_FORMAT_INVALID. */
export class ForwardReader {
  readonly #bytes: Buffer;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get atEnd(): boolean {
    return this.#position === this.#bytes.length;
  }

  fail(what: string): never {
    throw formatError('FORGE_FORMAT_INVALID', `not a batch of spans: ${what} at byte ${this.#position}`);
  }

  #advance(count: number): number {
    const start = this.#position;
    if (start + count > this.#bytes.length) this.fail('it breaks off');
    this.#position = start + count;
    return start;
  }

  byte(): number {
    return this.#bytes[this.#advance(1)];
  }

  varint(): number {
    let value = 0;
    for (let scale = 1; scale < 2 ** 56; scale *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    return this.fail('a number of more than eight bytes');
  }

  /** How many items follow: each takes a byte or more. */
  count(): number {
    const count = this.varint();
    if (count > this.#bytes.length - this.#position) this.fail(`${count} items`);
    return count;
  }

  number(): number {
    const value = this.varint();
    if (value === 1) return this.double();
    return value % 4 === 2 ? -(value + 2) / 4 : value / 4;
  }

  double(): number {
    return this.#bytes.readDoubleLE(this.#advance(8));
  }

  text(byteLength: number): string {
    const start = this.#advance(byteLength);
    return this.#bytes.toString('utf8', start, start + byteLength);
  }

  hex(byteLength: number): string {
    const start = this.#advance(byteLength);
    return this.#bytes.toString('hex', start, start + byteLength);
  }
}
