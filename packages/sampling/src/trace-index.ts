/**
 * What this node knows of traces, by their ids: where their spans lie in the ring, whether they are kept or parked.
 *
 * An entry is 8 words in a chunk; no objects, since thousands of them come and go each second and live for seconds,
 * which is the garbage collector's worst case.
 *
 *     0..3 trace id | 4 segment and 5 offset of the newest span, -1 for none | 6 state, serial << 8 | 7 next in bucket
 */
export const TraceState = { held: 0, kept: 1, parked: 2 } as const;
export type TraceState = (typeof TraceState)[keyof typeof TraceState];

const STRIDE = 8;
const CHUNK_ENTRIES = 4096;
const CHUNK_BITS = 12;
/** Bytes of one chunk of entries. */
export const CHUNK_BYTES = CHUNK_ENTRIES * STRIDE * 4;
const FREE = 255;
const SERIAL_MASK = 0xffffff;

export class TraceIndex {
  readonly #heads: Int32Array;
  readonly #shift: number;
  #chunks: Int32Array[] = [];
  #free = -1;
  #used = 0;
  #serial = 0;

  /** @param buckets a power of two */
  constructor(buckets: number) {
    this.#heads = new Int32Array(buckets).fill(-1);
    this.#shift = 32 - Math.log2(buckets);
  }

  get size(): number {
    return this.#used;
  }

  get bytes(): number {
    return this.#heads.byteLength + this.#chunks.length * CHUNK_BYTES;
  }

  /** Whether `add` needs another chunk first. */
  get full(): boolean {
    return this.#free < 0;
  }

  /** The entry of a trace, -1 where there is none. */
  find(w0: number, w1: number, w2: number, w3: number): number {
    let entry = this.#heads[this.#bucket(w2, w3)];
    while (entry >= 0) {
      const chunk = this.#chunks[entry >> CHUNK_BITS];
      const at = (entry & (CHUNK_ENTRIES - 1)) * STRIDE;
      if (chunk[at + 3] === w3 && chunk[at + 2] === w2 && chunk[at + 1] === w1 && chunk[at] === w0) return entry;
      entry = chunk[at + 7]!;
    }
    return -1;
  }

  /** A new entry, held and without spans. The trace must not be there yet. */
  add(w0: number, w1: number, w2: number, w3: number): number {
    if (this.#free < 0) this.#grow();
    const entry = this.#free;
    const chunk = this.#chunks[entry >> CHUNK_BITS];
    const at = (entry & (CHUNK_ENTRIES - 1)) * STRIDE;
    this.#free = chunk[at + 7]!;
    const bucket = this.#bucket(w2, w3);
    chunk[at] = w0;
    chunk[at + 1] = w1;
    chunk[at + 2] = w2;
    chunk[at + 3] = w3;
    chunk[at + 4] = -1;
    chunk[at + 5] = -1;
    this.#serial = (this.#serial + 1) & SERIAL_MASK;
    chunk[at + 6] = (this.#serial << 8) | TraceState.held;
    chunk[at + 7] = this.#heads[bucket]!;
    this.#heads[bucket] = entry;
    this.#used++;
    return entry;
  }

  remove(entry: number): void {
    const chunk = this.#chunks[entry >> CHUNK_BITS];
    const at = (entry & (CHUNK_ENTRIES - 1)) * STRIDE;
    const bucket = this.#bucket(chunk[at + 2], chunk[at + 3]);
    const next = chunk[at + 7];
    let other = this.#heads[bucket];
    if (other === entry) this.#heads[bucket] = next;
    else {
      for (;;) {
        const otherChunk = this.#chunks[other >> CHUNK_BITS];
        const link = (other & (CHUNK_ENTRIES - 1)) * STRIDE + 7;
        other = otherChunk[link]!;
        if (other === entry) {
          otherChunk[link] = next;
          break;
        }
      }
    }
    chunk[at + 6] = FREE;
    chunk[at + 7] = this.#free;
    this.#free = entry;
    this.#used--;
    if (this.#used === 0) this.#clear();
  }

  /** Tells an entry's trace from one that had the entry before; of 24 bits, so that it stays a small integer. */
  serial(entry: number): number {
    const chunk = this.#chunks[entry >> CHUNK_BITS];
    return chunk === undefined ? -1 : chunk[(entry & (CHUNK_ENTRIES - 1)) * STRIDE + 6] >> 8;
  }

  /** Whether `entry` still is the one that had this serial. */
  isLive(entry: number, serial: number): boolean {
    const chunk = this.#chunks[entry >> CHUNK_BITS];
    if (chunk === undefined) return false;
    const state = chunk[(entry & (CHUNK_ENTRIES - 1)) * STRIDE + 6];
    return state !== FREE && state >> 8 === serial;
  }

  state(entry: number): TraceState {
    return (this.#word(entry, 6) & 255) as TraceState;
  }

  setState(entry: number, state: TraceState): void {
    this.#set(entry, 6, (this.#word(entry, 6) & ~255) | state);
  }

  id(entry: number, word: 0 | 1 | 2 | 3): number {
    return this.#word(entry, word);
  }

  newestSegment(entry: number): number {
    return this.#word(entry, 4);
  }

  newestOffset(entry: number): number {
    return this.#word(entry, 5);
  }

  setNewest(entry: number, segment: number, offset: number): void {
    const chunk = this.#chunks[entry >> CHUNK_BITS];
    const at = (entry & (CHUNK_ENTRIES - 1)) * STRIDE;
    chunk[at + 4] = segment;
    chunk[at + 5] = offset;
  }

  /** All entries in use: for a shutdown. */
  *entries(): IterableIterator<number> {
    for (let entry = 0; entry < this.#chunks.length * CHUNK_ENTRIES; entry++)
      if (this.#word(entry, 6) !== FREE) yield entry;
  }

  #word(entry: number, word: number): number {
    return this.#chunks[entry >> CHUNK_BITS][(entry & (CHUNK_ENTRIES - 1)) * STRIDE + word];
  }

  #set(entry: number, word: number, value: number): void {
    this.#chunks[entry >> CHUNK_BITS][(entry & (CHUNK_ENTRIES - 1)) * STRIDE + word] = value;
  }

  // Foreign ids may differ in a few bits only: both random words go through a multiplication.
  #bucket(w2: number, w3: number): number {
    return Math.imul(w3 ^ Math.imul(w2, 0x85ebca6b), 0x9e3779b1) >>> this.#shift;
  }

  #grow(): void {
    const chunk = new Int32Array(CHUNK_ENTRIES * STRIDE);
    const first = this.#chunks.length * CHUNK_ENTRIES;
    for (let i = CHUNK_ENTRIES - 1; i >= 0; i--) {
      chunk[i * STRIDE + 6] = FREE;
      chunk[i * STRIDE + 7] = this.#free;
      this.#free = first + i;
    }
    this.#chunks.push(chunk);
  }

  /** Gives the memory back. Serials go on counting, so entries that are remembered elsewhere stay dead. */
  #clear(): void {
    if (this.#chunks.length <= 1) return;
    this.#chunks = [];
    this.#free = -1;
  }
}
