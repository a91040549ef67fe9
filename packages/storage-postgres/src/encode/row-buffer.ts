/**
 * Rows of PostgreSQL's COPY BINARY format, written by hand into one buffer that grows and is used again.
 * https://www.postgresql.org/docs/current/sql-copy.html (Binary Format)
 *
 *   PGCOPY\n\377\r\n\0 | flags 4 | extension 4 | row ... | -1
 *   row: number of fields 2 | field ...
 *   field: length 4 (-1 for NULL) | bytes
 */
export class RowBuffer {
  #buffer: Buffer;
  #offset = 0;

  constructor(initialBytes = 256 * 1024) {
    this.#buffer = Buffer.allocUnsafeSlow(initialBytes);
  }

  /** Empties the buffer and writes the header. */
  start(): void {
    this.#offset = SIGNATURE.copy(this.#buffer, 0);
  }

  /** Empties the buffer, for the rows after those that were sent. */
  clear(): void {
    this.#offset = 0;
  }

  /** Writes the trailer. */
  end(): void {
    this.#ensure(2);
    this.#offset = this.#buffer.writeInt16BE(-1, this.#offset);
  }

  /** What was written: a view, valid until the next change. */
  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#offset);
  }

  /** Gives back what one unusually large batch took. */
  shrink(maxBytes: number): void {
    if (this.#buffer.length > maxBytes) this.#buffer = Buffer.allocUnsafeSlow(maxBytes);
  }

  row(fields: number): void {
    this.#ensure(2);
    this.#offset = this.#buffer.writeInt16BE(fields, this.#offset);
  }

  null(): void {
    this.#ensure(4);
    this.#offset = this.#buffer.writeInt32BE(-1, this.#offset);
  }

  /** Text, varchar; without NUL characters, which PostgreSQL refuses. Lone surrogates become U+FFFD. */
  text(value: string): void {
    const length = value.length;
    this.#ensure(4 + length * 3);
    const start = this.#offset + 4;
    const end = this.#utf8(value, start);
    this.#buffer.writeInt32BE(end - start, this.#offset);
    this.#offset = end;
  }

  /** A jsonb value from its JSON text. */
  jsonb(json: string): void {
    this.#ensure(5 + json.length * 3);
    const start = this.#offset + 5;
    this.#buffer[start - 1] = 1; // the version of jsonb's binary format: text follows
    const end = this.#utf8(json, start);
    this.#buffer.writeInt32BE(end - start + 1, this.#offset);
    this.#offset = end;
  }

  int16(value: number): void {
    this.#ensure(6);
    this.#buffer.writeInt32BE(2, this.#offset);
    this.#offset = this.#buffer.writeInt16BE(value, this.#offset + 4);
  }

  int32(value: number): void {
    this.#ensure(8);
    this.#buffer.writeInt32BE(4, this.#offset);
    this.#offset = this.#buffer.writeInt32BE(value, this.#offset + 4);
  }

  /** A bigint from a safe integer. */
  int64(value: number): void {
    this.#ensure(12);
    const high = Math.floor(value / 0x1_0000_0000);
    this.#buffer.writeInt32BE(8, this.#offset);
    this.#buffer.writeInt32BE(high, this.#offset + 4);
    this.#offset = this.#buffer.writeUInt32BE(value - high * 0x1_0000_0000, this.#offset + 8);
  }

  /** An integer[] of one dimension. */
  int32Array(values: Iterable<number>, length: number): void {
    this.#ensure(24 + length * 8);
    const buffer = this.#buffer;
    let offset = buffer.writeInt32BE(20 + length * 8, this.#offset);
    offset = buffer.writeInt32BE(1, offset); // dimensions
    offset = buffer.writeInt32BE(0, offset); // no NULLs
    offset = buffer.writeInt32BE(INT4_OID, offset);
    offset = buffer.writeInt32BE(length, offset);
    offset = buffer.writeInt32BE(1, offset); // lower bound
    for (const value of values) {
      offset = buffer.writeInt32BE(4, offset);
      offset = buffer.writeInt32BE(value, offset);
    }
    this.#offset = offset;
  }

  float32(value: number): void {
    this.#ensure(8);
    this.#buffer.writeInt32BE(4, this.#offset);
    this.#offset = this.#buffer.writeFloatBE(value, this.#offset + 4);
  }

  /** A timestamptz from Unix microseconds; PostgreSQL counts them from the year 2000. */
  time(unixUs: number): void {
    this.int64(unixUs - 946_684_800_000_000);
  }

  /** A value that is already in PostgreSQL's binary form: a uuid's 16 bytes, a bigint's 8. */
  raw(value: Uint8Array): void {
    this.#ensure(4 + value.length);
    this.#buffer.writeInt32BE(value.length, this.#offset);
    this.#buffer.set(value, this.#offset + 4);
    this.#offset += 4 + value.length;
  }

  /** Writes `text` at `offset`; the room is there. Returns the end. */
  #utf8(text: string, offset: number): number {
    const length = text.length;
    const buffer = this.#buffer;
    // A call into native code costs some 60 ns; ids and names are shorter than that is worth.
    if (length > 40) return offset + buffer.write(text, offset, 'utf8');
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > 127) return offset + buffer.write(text, offset, 'utf8');
      buffer[offset + i] = code;
    }
    return offset + length;
  }

  #ensure(bytes: number): void {
    const needed = this.#offset + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#offset);
    this.#buffer = larger;
  }
}

const INT4_OID = 23;
const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
