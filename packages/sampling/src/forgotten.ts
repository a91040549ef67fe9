/**
 * Which traces this node held and dropped of late: asked when a keep comes, to know whether it came too late.
 *
 * A row of Bloom filters, each for a stretch of time, 16 bits and 6 probes an id: one in a thousand ids that were never
 * here is taken for forgotten, which writes a gap that is none. The other way round it never errs while the filter
 * lives: 2.5 minutes, less when so much is dropped that the bound on memory comes first.
 */
const MAX_FILTER_BYTES = 128 * 1024;
const MIN_FILTER_BYTES = 4 * 1024;
const FILTERS = 8;
const BITS_PER_ID = 16;
const PROBES = 6;
const STRETCH_MS = 30_000;
const LIFE_MS = 150_000;

interface Filter {
  readonly bits: Uint32Array;
  readonly bornMs: number;
  ids: number;
}

export class Forgotten {
  /** Memory of one filter. */
  readonly filterBytes: number;
  readonly #bits: number;
  readonly #maxFilters: number;
  #filters: Filter[] = [];
  /** Filters that went before their time, for want of room. */
  shortened = 0;

  /** @param maxBytes at least 32 KiB are taken, when much is dropped */
  constructor(maxBytes: number) {
    this.filterBytes = Math.max(
      MIN_FILTER_BYTES,
      Math.min(MAX_FILTER_BYTES, 2 ** Math.floor(Math.log2(maxBytes / FILTERS))),
    );
    this.#bits = this.filterBytes * 8;
    this.#maxFilters = Math.max(FILTERS, Math.floor(maxBytes / this.filterBytes));
  }

  get bytes(): number {
    return this.#filters.length * this.filterBytes;
  }

  /** How far back it remembers, in milliseconds, while nothing was shortened. */
  get horizonMs(): number {
    return LIFE_MS - STRETCH_MS;
  }

  add(w1: number, w2: number, w3: number, nowMs: number): void {
    let filter = this.#filters.at(-1);
    if (filter === undefined || filter.ids >= this.#bits / BITS_PER_ID || nowMs - filter.bornMs >= STRETCH_MS) {
      if (this.#filters.length >= this.#maxFilters) {
        this.#filters.shift();
        this.shortened++;
      }
      filter = { bits: new Uint32Array(this.#bits / 32), bornMs: nowMs, ids: 0 };
      this.#filters.push(filter);
    }
    filter.ids++;
    const step = mix(w1 ^ w2) | 1;
    for (let i = 0, at = mix(w3); i < PROBES; i++, at = (at + step) | 0) {
      const bit = at & (this.#bits - 1);
      filter.bits[bit >>> 5] |= 1 << (bit & 31);
    }
  }

  has(w1: number, w2: number, w3: number): boolean {
    const step = mix(w1 ^ w2) | 1;
    const start = mix(w3);
    return this.#filters.some(({ bits }) => {
      for (let i = 0, at = start; i < PROBES; i++, at = (at + step) | 0) {
        const bit = at & (this.#bits - 1);
        if ((bits[bit >>> 5] & (1 << (bit & 31))) === 0) return false;
      }
      return true;
    });
  }

  tick(nowMs: number): void {
    while (this.#filters.length > 0 && nowMs - this.#filters[0].bornMs >= LIFE_MS) this.#filters.shift();
  }
}

/** Spreads a word over all its bits: foreign ids may count up. */
function mix(word: number): number {
  word = Math.imul(word ^ (word >>> 16), 0x45d9f3b);
  word = Math.imul(word ^ (word >>> 16), 0x45d9f3b);
  return word ^ (word >>> 16);
}
