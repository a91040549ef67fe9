import type { Timers } from '../src/timers.ts';

/** Time that passes when told. Between two timers, promises get their turn. */
export class FakeTimers implements Timers {
  #nowMs = 0;
  #due: { readonly atMs: number; readonly fn: () => void }[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, fn: () => void): () => void {
    const timer = { atMs: this.#nowMs + Math.max(0, delayMs), fn };
    this.#due.push(timer);
    return () => {
      this.#due = this.#due.filter((other) => other !== timer);
    };
  }

  /** Lets `ms` pass; with 0, only what is due now runs. */
  async advance(ms = 0): Promise<void> {
    const endMs = this.#nowMs + ms;
    await settle();
    for (;;) {
      const next = this.#due.filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined) break;
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      this.#due = this.#due.filter((other) => other !== next);
      next.fn();
      await settle();
    }
    this.#nowMs = endMs;
  }
}

/** Everything that promises alone can do is done: real I/O is not waited for. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
