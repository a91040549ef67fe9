/** Where the queue takes its time from. Tests inject a fake one. */
export interface Timers {
  /** Monotonic milliseconds. */
  nowMs(): number;
  /**
   * Runs `fn` once, `delayMs` from now; 0 means as soon as the running code is done.
   * @param holds whether the process may not end before: only for a flush that somebody waits for
   * @returns its cancellation
   */
  after(delayMs: number, fn: () => void, holds?: boolean): () => void;
}

export const systemTimers: Timers = {
  nowMs: () => performance.now(),
  after(delayMs, fn, holds = false) {
    if (delayMs <= 0) {
      const immediate = setImmediate(fn);
      return () => clearImmediate(immediate);
    }
    const timer = setTimeout(fn, delayMs);
    if (!holds) timer.unref();
    return () => clearTimeout(timer);
  },
};
