/** What this node knows of a trace beyond its spans. */
export const PinState = { none: 0, parked: 1, kept: 2 } as const;
export type PinState = (typeof PinState)[keyof typeof PinState];

const STRIDE = 8;
const CHUNK_ENTRIES = 2048;
const CHUNK_BITS = 11;
const CHUNK_BYTES = CHUNK_ENTRIES * STRIDE * 4;
const MAX_ENTRIES_PER_BUCKET = 2;

/**
 * The traces that are kept or parked, for a time: spans that end or arrive later go where the trace went.
 *
 * Looked up on the application's path by the words of an id, so it holds no strings and no objects: entries of 8 words,
 * chained in buckets. Pins of one duration end in the order in which they began, so the queue of ends needs no sorting.
 *
 *     0..3 trace id | 4 state | 5 the end, in seconds | 6 next in bucket
 */
export class Pins {
  readonly #maxEntries: number;
  readonly #pinSeconds: number;
  #heads = new Int32Array(1024).fill(-1);
  #shift = 22;
  #chunks: Int32Array[] = [];
  #free = -1;
  /** Entries, each followed by the second of its end. */
  #queue: number[] = [];
  #queueHead = 0;
  size = 0;
  parked = 0;
  /** Changes whenever a pin is added or changed: who looked at this version need not look again. */
  version = 0;
  /** Pins that ended early for want of room. */
  evicted = 0;

  /** @param maxBytes room for at least one chunk of 64 KiB is taken */
  constructor(maxBytes: number, pinMs: number) {
    this.#maxEntries = Math.max(1, Math.floor(maxBytes / CHUNK_BYTES)) * CHUNK_ENTRIES;
    this.#pinSeconds = Math.ceil(pinMs / 1000);
  }

  get bytes(): number {
    return this.#heads.byteLength + this.#chunks.length * CHUNK_BYTES + this.#queue.length * 4;
  }

  state(w0: number, w1: number, w2: number, w3: number): PinState {
    const entry = this.#find(w0, w1, w2, w3);
    return entry < 0 ? PinState.none : (this.#word(entry, 4) as PinState);
  }

  /** Pins a trace, or raises it from parked to kept. @returns the state before */
  set(w0: number, w1: number, w2: number, w3: number, state: PinState, nowMs: number): PinState {
    let entry = this.#find(w0, w1, w2, w3);
    const before = entry < 0 ? PinState.none : (this.#word(entry, 4) as PinState);
    if (before >= state) return before;
    if (entry < 0) entry = this.#add(w0, w1, w2, w3);
    const chunk = this.#chunks[entry >> CHUNK_BITS];
    const at = (entry & (CHUNK_ENTRIES - 1)) * STRIDE;
    chunk[at + 4] = state;
    chunk[at + 5] = Math.ceil(nowMs / 1000) + this.#pinSeconds;
    this.#queue.push(entry, chunk[at + 5]);
    if (state === PinState.parked) this.parked++;
    else if (before === PinState.parked) this.parked--;
    this.version++;
    return before;
  }

  /** Ends what is due. */
  tick(nowMs: number): void {
    const nowSeconds = Math.floor(nowMs / 1000);
    while (this.#queueHead < this.#queue.length && this.#queue[this.#queueHead + 1] <= nowSeconds)
      this.#endOldest(nowSeconds);
    if (this.#queueHead > 1024 && this.#queueHead * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#queueHead);
      this.#queueHead = 0;
    }
  }

  /** Takes the head of the queue, and ends its pin unless it was raised since, and so stands in the queue again. */
  #endOldest(nowSeconds: number): void {
    const entry = this.#queue[this.#queueHead];
    this.#queueHead += 2;
    if (this.#word(entry, 4) !== PinState.none && this.#word(entry, 5) <= nowSeconds) this.#remove(entry);
  }

  #find(w0: number, w1: number, w2: number, w3: number): number {
    let entry = this.#heads[this.#bucket(w2, w3)];
    while (entry >= 0) {
      const chunk = this.#chunks[entry >> CHUNK_BITS];
      const at = (entry & (CHUNK_ENTRIES - 1)) * STRIDE;
      if (chunk[at + 3] === w3 && chunk[at + 2] === w2 && chunk[at + 1] === w1 && chunk[at] === w0) return entry;
      entry = chunk[at + 6]!;
    }
    return -1;
  }

  #add(w0: number, w1: number, w2: number, w3: number): number {
    while (this.size >= this.#maxEntries) {
      this.#endOldest(Infinity);
      this.evicted++;
    }
    if (this.size >= this.#heads.length * MAX_ENTRIES_PER_BUCKET) this.#rehash();
    if (this.#free < 0) this.#grow();
    const entry = this.#free;
    const chunk = this.#chunks[entry >> CHUNK_BITS];
    const at = (entry & (CHUNK_ENTRIES - 1)) * STRIDE;
    this.#free = chunk[at + 6]!;
    chunk[at] = w0;
    chunk[at + 1] = w1;
    chunk[at + 2] = w2;
    chunk[at + 3] = w3;
    const bucket = this.#bucket(w2, w3);
    chunk[at + 6] = this.#heads[bucket]!;
    this.#heads[bucket] = entry;
    this.size++;
    return entry;
  }

  #remove(entry: number): void {
    const bucket = this.#bucket(this.#word(entry, 2), this.#word(entry, 3));
    const next = this.#word(entry, 6);
    if (this.#heads[bucket] === entry) this.#heads[bucket] = next;
    else {
      let other = this.#heads[bucket];
      while (this.#word(other, 6) !== entry) other = this.#word(other, 6);
      this.#set(other, 6, next);
    }
    if (this.#word(entry, 4) === PinState.parked) this.parked--;
    this.#set(entry, 4, PinState.none);
    this.#set(entry, 6, this.#free);
    this.#free = entry;
    this.size--;
    if (this.size > 0) return;
    this.#chunks = [];
    this.#free = -1;
    this.#queue = [];
    this.#queueHead = 0;
    this.#heads = new Int32Array(1024).fill(-1);
    this.#shift = 22;
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

  #rehash(): void {
    this.#heads = new Int32Array(this.#heads.length * 4).fill(-1);
    this.#shift -= 2;
    for (let entry = 0; entry < this.#chunks.length * CHUNK_ENTRIES; entry++) {
      if (this.#word(entry, 4) === PinState.none) continue;
      const bucket = this.#bucket(this.#word(entry, 2), this.#word(entry, 3));
      this.#set(entry, 6, this.#heads[bucket]);
      this.#heads[bucket] = entry;
    }
  }

  #grow(): void {
    const chunk = new Int32Array(CHUNK_ENTRIES * STRIDE);
    const first = this.#chunks.length * CHUNK_ENTRIES;
    for (let i = CHUNK_ENTRIES - 1; i >= 0; i--) {
      chunk[i * STRIDE + 6] = this.#free;
      this.#free = first + i;
    }
    this.#chunks.push(chunk);
  }
}
