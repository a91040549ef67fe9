import { endOf, type Trace } from './trace.ts';

/** A stretch of time in which nothing but waiting happened, drawn shorter than it is. */
export interface Squeeze {
  readonly startUs: number;
  readonly endUs: number;
  /** How much time it is drawn as. */
  readonly drawnUs: number;
}

/**
 * Time to place on the axis, and back. Linear, or with quiet stretches squeezed; places are in microseconds of drawn
 * time, so zooming and ticks work the same on both.
 */
export class TimeScale {
  readonly startUs: number;
  readonly endUs: number;
  readonly squeezes: readonly Squeeze[];
  /** Drawn length of the whole. */
  readonly length: number;
  /** Time saved before the start of squeeze i. */
  readonly #savedBefore: Float64Array;

  constructor(startUs: number, endUs: number, squeezes: readonly Squeeze[] = []) {
    this.startUs = startUs;
    this.endUs = endUs;
    this.squeezes = squeezes;
    this.#savedBefore = new Float64Array(squeezes.length + 1);
    for (const [i, { startUs, endUs, drawnUs }] of squeezes.entries())
      this.#savedBefore[i + 1] = this.#savedBefore[i] + (endUs - startUs - drawnUs);
    this.length = endUs - startUs - this.#savedBefore[squeezes.length];
  }

  /** The place of a time: 0 at the start, `length` at the end, linear beyond both. */
  place(us: number): number {
    if (this.squeezes.length === 0) return us - this.startUs;
    const i = this.#squeezeBefore(us);
    if (i < 0) return us - this.startUs;
    const squeeze = this.squeezes[i];
    const begin = squeeze.startUs - this.startUs - this.#savedBefore[i];
    if (us >= squeeze.endUs) return us - this.startUs - this.#savedBefore[i + 1];
    return begin + ((us - squeeze.startUs) / (squeeze.endUs - squeeze.startUs)) * squeeze.drawnUs;
  }

  /** The time at a place: the inverse of `place`. */
  time(place: number): number {
    for (const [i, squeeze] of this.squeezes.entries()) {
      const begin = squeeze.startUs - this.startUs - this.#savedBefore[i];
      if (place < begin) return place + this.startUs + this.#savedBefore[i];
      if (place < begin + squeeze.drawnUs)
        return squeeze.startUs + ((place - begin) / squeeze.drawnUs) * (squeeze.endUs - squeeze.startUs);
    }
    return place + this.startUs + this.#savedBefore[this.squeezes.length];
  }

  /** The last squeeze that starts at or before `us`; -1 for none. */
  #squeezeBefore(us: number): number {
    let low = 0;
    let high = this.squeezes.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      if (this.squeezes[middle].startUs <= us) low = middle + 1;
      else high = middle - 1;
    }
    return high;
  }
}

/** A stretch has to be this part of the whole to be squeezed, and is drawn as that part of what remains. */
const MIN_SHARE = 0.05;
const DRAWN_SHARE = 0.02;
const MAX_SQUEEZES = 50;

/**
 * The stretches in which only spans ran that have others run in their time: between a request and its job, in a long
 * sleep of an outer span. O(n log n).
 */
export function quietStretches(trace: Trace): Squeeze[] {
  const total = trace.endUs - trace.startUs;
  const workers: number[] = [];
  for (let node = 0; node < trace.count; node++)
    if (trace.row[node] >= 0 && trace.self[node] === trace.duration[node]) workers.push(node);
  workers.sort((a, b) => trace.start[a] - trace.start[b]);
  const quiet: { startUs: number; endUs: number }[] = [];
  let busyTo = trace.startUs;
  const add = (to: number): void => {
    if (to - busyTo >= total * MIN_SHARE && to > busyTo) quiet.push({ startUs: busyTo, endUs: to });
  };
  for (const worker of workers) {
    add(trace.start[worker]);
    busyTo = Math.max(busyTo, endOf(trace, worker));
  }
  add(trace.endUs);
  quiet.sort((a, b) => b.endUs - b.startUs - (a.endUs - a.startUs));
  quiet.length = Math.min(quiet.length, MAX_SQUEEZES);
  const busy = total - quiet.reduce((sum, { startUs, endUs }) => sum + endUs - startUs, 0);
  // Where nothing at all ran, the stretches share the axis evenly.
  const drawnUs = busy > 0 ? busy * DRAWN_SHARE : (total * DRAWN_SHARE) / Math.max(1, quiet.length);
  return quiet
    .filter(({ startUs, endUs }) => endUs - startUs > drawnUs)
    .sort((a, b) => a.startUs - b.startUs)
    .map(({ startUs, endUs }) => ({ startUs, endUs, drawnUs }));
}
