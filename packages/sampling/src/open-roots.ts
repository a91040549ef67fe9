import type { LocalTrace } from '@forge/core';

/** What the pipeline knows of a local trace while it runs: one object, in `LocalTrace.slot`. */
export class LocalState {
  readonly trace: LocalTrace;
  /** The version of the pins that was looked at last, for this trace. */
  pinsVersion = -1;
  /** From when on its root is slow; Infinity for never. */
  slowMs: number;
  /** A trigger of it was cut in a storm: the next one is not asked again. */
  cut = false;
  list: OpenList | undefined = undefined;
  older: LocalState | undefined = undefined;
  newer: LocalState | undefined = undefined;

  constructor(trace: LocalTrace, slowMs: number) {
    this.trace = trace;
    this.slowMs = slowMs;
  }
}

/** Open local roots with one slow threshold, by their start: who is oldest is due first, so nothing is sorted. */
class OpenList {
  readonly slowMs: number;
  oldest: LocalState | undefined = undefined;
  newest: LocalState | undefined = undefined;

  constructor(slowMs: number) {
    this.slowMs = slowMs;
  }
}

/**
 * Finds roots that become slow while they run. A list costs two pointers to enter and to leave; a timer a request, or
 * a wheel that holds the request until its slot comes round, would keep every short trace alive for the whole threshold.
 */
export class OpenRoots {
  readonly #lists = new Map<number, OpenList>();
  size = 0;

  add(state: LocalState): void {
    if (state.slowMs === Infinity) return;
    let list = this.#lists.get(state.slowMs);
    if (list === undefined) this.#lists.set(state.slowMs, (list = new OpenList(state.slowMs)));
    state.list = list;
    state.older = list.newest;
    if (list.newest === undefined) list.oldest = state;
    else list.newest.newer = state;
    list.newest = state;
    this.size++;
  }

  remove(state: LocalState): void {
    const { list } = state;
    if (list === undefined) return;
    if (state.older === undefined) list.oldest = state.newer;
    else state.older.newer = state.newer;
    if (state.newer === undefined) list.newest = state.older;
    else state.newer.older = state.older;
    state.list = state.older = state.newer = undefined;
    this.size--;
  }

  /** Takes out all roots that run longer than their threshold by now, and hands them over. */
  takeDue(due: (state: LocalState) => void): void {
    for (const [slowMs, list] of this.#lists) {
      for (let state = list.oldest; state !== undefined; state = list.oldest) {
        const { root } = state.trace;
        if (root !== undefined && !root.ended && root.elapsedMs < slowMs) break;
        this.remove(state);
        due(state);
      }
      if (list.oldest === undefined) this.#lists.delete(slowMs);
    }
  }
}
