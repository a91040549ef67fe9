/**
 * Which traces this node held and dropped of late: asked when a keep comes, to know whether it came too late.
 *
 * A row of Bloom filters, each for a stretch of time, 16 bits and 6 probes an id: one in a thousand ids that were never
 * here is taken for forgotten, which writes a gap that is none. The other way round it never errs while the filter
 * lives: 2.5 minutes, less when so much is dropped that the bound on memory comes first.
 */
const BITS = 1 << 20;
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
  /** Memory of one stretch of time. */
  static readonly FILTER_BYTES = BITS / 8;
  readonly #maxFilters: number;
  #filters: Filter[] = [];

  /** @param maxBytes at least one filter of 128 KiB is used, once anything is dropped */
  constructor(maxBytes: number) {
    this.#maxFilters = Math.max(1, Math.floor(maxBytes / Forgotten.FILTER_BYTES));
  }

  get bytes(): number {
    return this.#filters.length * Forgotten.FILTER_BYTES;
  }

  /** How far back it surely remembers, in milliseconds. */
  get horizonMs(): number {
    return LIFE_MS - STRETCH_MS;
  }

  add(w1: number, w2: number, w3: number, nowMs: number): void {
    let filter = this.#filters.at(-1);
    if (filter === undefined || filter.ids >= BITS / BITS_PER_ID || nowMs - filter.bornMs >= STRETCH_MS) {
      if (this.#filters.length >= this.#maxFilters) this.#filters.shift();
      filter = { bits: new Uint32Array(BITS / 32), bornMs: nowMs, ids: 0 };
      this.#filters.push(filter);
    }
    filter.ids++;
    const step = mix(w1 ^ w2) | 1;
    for (let i = 0, at = mix(w3); i < PROBES; i++, at = (at + step) | 0) {
      const bit = at & (BITS - 1);
      filter.bits[bit >>> 5] |= 1 << (bit & 31);
    }
  }

  has(w1: number, w2: number, w3: number): boolean {
    const step = mix(w1 ^ w2) | 1;
    const start = mix(w3);
    return this.#filters.some(({ bits }) => {
      for (let i = 0, at = start; i < PROBES; i++, at = (at + step) | 0) {
        const bit = at & (BITS - 1);
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
