/** Where times come from. Tests inject a fake one. */
export interface Clock {
  /** Monotonic milliseconds with a fraction, from an arbitrary origin. */
  nowMs(): number;
  /** What to add to `nowMs()` to get Unix milliseconds, as seen at the monotonic time `nowMs`. */
  anchorMs(nowMs: number): number;
}

const RECHECK_MS = 1000;

/**
 * The process's clock: `performance.now()` on a wall anchor that follows the system's clock.
 *
 * `Date.now()` has whole milliseconds and may jump, so it is only compared, once a second, with the monotonic
 * clock; the anchor moves when they differ by more than a millisecond (an NTP step, a suspended machine).
 * A local root takes the anchor once, so within it time never runs backwards.
 */
export class SystemClock implements Clock {
  #anchorMs = performance.timeOrigin;
  #recheckAtMs = 0;

  nowMs(): number {
    return performance.now();
  }

  anchorMs(nowMs: number): number {
    if (nowMs >= this.#recheckAtMs) {
      this.#recheckAtMs = nowMs + RECHECK_MS;
      // Date.now() truncates: the true difference lies in [difference, difference + 1).
      const difference = Date.now() - (this.#anchorMs + nowMs);
      if (difference > 0.5 || difference < -1.5) this.#anchorMs += difference + 0.5;
    }
    return this.#anchorMs;
  }
}
