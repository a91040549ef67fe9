import type { Clock } from '@forge/core';

/** A clock that stands still until told: for tests that assert times. */
export class FakeClock implements Clock {
  #nowMs = 0;
  readonly #anchorMs: number;

  /** @param startUnixMs what the wall clock shows at first */
  constructor(startUnixMs = Date.UTC(2026, 0, 1)) {
    this.#anchorMs = startUnixMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  anchorMs(): number {
    return this.#anchorMs;
  }

  /** Moves the time on by `ms`, fractions allowed. */
  advance(ms: number): void {
    this.#nowMs += ms;
  }
}
