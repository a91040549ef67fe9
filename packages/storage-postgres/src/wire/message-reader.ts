/**
 * Cuts the server's bytes into messages: type 1 | length 4 (without the type) | body.
 * Chunks are joined only when a message is not whole, and then once.
 */
export class MessageReader {
  #chunks: Buffer[] = [];
  #bytes = 0;
  /** Bytes needed before the next message is whole. */
  #needed = 5;

  /** Hands each whole message's type (a character's code) and body over; the body is a view, valid during the call. */
  push(chunk: Buffer, onMessage: (type: number, body: Buffer) => void): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes < this.#needed) return;
    const all = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#bytes);
    let at = 0;
    this.#needed = 5;
    while (all.length - at >= 5) {
      const size = all.readUInt32BE(at + 1) + 1;
      if (all.length - at < size) {
        this.#needed = size;
        break;
      }
      onMessage(all[at], all.subarray(at + 5, at + size));
      at += size;
    }
    const rest = all.subarray(at);
    this.#chunks = rest.length === 0 ? [] : [rest];
    this.#bytes = rest.length;
  }
}
