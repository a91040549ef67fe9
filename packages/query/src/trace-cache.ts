import type { StoredTrace } from '@forge/storage';

const MIN_SPANS = 1000;
const MAX_SPANS = 300_000;
const MAX_AGE_MS = 30_000;

/**
 * Large traces that a viewer has just opened: it goes on to ask for their spans one by one, their logs, and where a
 * text is in them, and rows must then mean what they meant in its columns. Smaller ones are quick to read again.
 */
export class TraceCache {
  readonly #traces = new Map<string, { readonly trace: StoredTrace; readonly untilMs: number }>();

  get(traceId: string): StoredTrace | undefined {
    const found = this.#traces.get(traceId);
    if (found === undefined || performance.now() < found.untilMs) return found?.trace;
    this.#traces.delete(traceId);
    return undefined;
  }

  /** @param traceId as it was asked for */
  put(traceId: string, trace: StoredTrace): void {
    this.#traces.delete(traceId);
    const nowMs = performance.now();
    let spans = trace.spans.length;
    if (spans < MIN_SPANS || spans > MAX_SPANS) return;
    // The newest first; what is beyond the bound, or too old, goes.
    for (const [id, kept] of [...this.#traces].reverse()) {
      spans += kept.trace.spans.length;
      if (spans > MAX_SPANS || kept.untilMs <= nowMs) this.#traces.delete(id);
    }
    this.#traces.set(traceId, { trace, untilMs: nowMs + MAX_AGE_MS });
  }

  delete(traceId: string): void {
    this.#traces.delete(traceId);
  }
}
