/** Builds messages to the server in one buffer: type 1 | length 4 (itself included) | body. */
export class MessageWriter {
  #buffer = Buffer.allocUnsafeSlow(4096);
  #offset = 0;
  #start = 0;

  /** Begins a message of a type; 0 for those of the start, which have none. */
  begin(type: string): this {
    this.#ensure(5);
    if (type !== '') this.#buffer[this.#offset++] = type.charCodeAt(0);
    this.#start = this.#offset;
    this.#offset += 4;
    return this;
  }

  /** Ends the message: fills in its length. */
  end(): this {
    this.#buffer.writeUInt32BE(this.#offset - this.#start, this.#start);
    return this;
  }

  int16(value: number): this {
    this.#ensure(2);
    this.#offset = this.#buffer.writeInt16BE(value, this.#offset);
    return this;
  }

  int32(value: number): this {
    this.#ensure(4);
    this.#offset = this.#buffer.writeInt32BE(value, this.#offset);
    return this;
  }

  /** Text with its final NUL. */
  cstring(text: string): this {
    this.#ensure(text.length * 3 + 1);
    this.#offset += this.#buffer.write(text, this.#offset, 'utf8');
    this.#buffer[this.#offset++] = 0;
    return this;
  }

  /** A parameter: its length, then its text; -1 for NULL. */
  parameter(value: string | null): this {
    if (value === null) return this.int32(-1);
    this.#ensure(4 + value.length * 3);
    const length = this.#buffer.write(value, this.#offset + 4, 'utf8');
    this.#buffer.writeInt32BE(length, this.#offset);
    this.#offset += 4 + length;
    return this;
  }

  bytes(bytes: Uint8Array): this {
    this.#ensure(bytes.length);
    this.#buffer.set(bytes, this.#offset);
    this.#offset += bytes.length;
    return this;
  }

  /** All messages since the last `take`: a copy, to be sent. */
  take(): Buffer {
    const taken = Buffer.from(this.#buffer.subarray(0, this.#offset));
    this.#offset = 0;
    if (this.#buffer.length > 1024 * 1024) this.#buffer = Buffer.allocUnsafeSlow(4096);
    return taken;
  }

  #ensure(bytes: number): void {
    const needed = this.#offset + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#offset);
    this.#buffer = larger;
  }
}
