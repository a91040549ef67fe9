import { randomnessOf } from './threshold.ts';

const WINDOW_MS = 1000;

/**
 * Holds a storm of triggers to a number a second for the whole mesh: above it, traces are admitted by their randomness.
 * The probability is a power of two that all nodes derive from the sum of what all of them say, so they cut the same
 * traces; who has not heard of the storm yet cuts by its own count alone.
 */
export class Admission {
  #maxPerSecond: number;
  #windowStartMs = 0;
  #inWindow = 0;
  #lastPerSecond = 0;
  #meshPerSecond = 0;
  /** Traces whose trigger was cut. */
  cutTraces = 0;

  constructor(maxPerSecond: number) {
    this.#maxPerSecond = maxPerSecond;
  }

  set maxPerSecond(value: number) {
    this.#maxPerSecond = value;
  }

  /** Triggers in this process in the last whole second. */
  get perSecond(): number {
    return this.#lastPerSecond;
  }

  /** The share of triggered traces that is admitted: 1, 1/2, 1/4 ... */
  get probability(): number {
    const rate = Math.max(this.#meshPerSecond, this.#lastPerSecond, this.#inWindow);
    return rate <= this.#maxPerSecond ? 1 : 2 ** Math.floor(Math.log2(this.#maxPerSecond / rate));
  }

  /** Counts a triggered trace. @returns how many it stands for when it is admitted, 0 when it is cut */
  admit(w2: number, w3: number): number {
    this.#inWindow++;
    const probability = this.probability;
    if (probability === 1) return 1;
    if (randomnessOf(w2, w3) >= 1 - probability) return 1 / probability;
    this.cutTraces++;
    return 0;
  }

  /** What all other nodes said last, summed up. */
  heardOthers(perSecond: number): void {
    this.#meshPerSecond = perSecond + this.#lastPerSecond;
  }

  tick(nowMs: number): void {
    const passedMs = nowMs - this.#windowStartMs;
    if (passedMs < WINDOW_MS) return;
    this.#lastPerSecond = (this.#inWindow * 1000) / passedMs;
    this.#inWindow = 0;
    this.#windowStartMs = nowMs;
  }
}
