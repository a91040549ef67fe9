import { signal, type Signal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import type { SummaryJson } from '@forge/query';
import { ApiError, apiUrl } from '../app/api.ts';
import { readEvents } from '../app/live.ts';

export interface LiveTail {
  readonly traces: Signal<readonly SummaryJson[]>;
  readonly state: Signal<'connecting' | 'open' | 'lost'>;
  /** While true, arriving traces wait. */
  readonly isPaused: Signal<boolean>;
  readonly waiting: Signal<number>;
  readonly error: Signal<unknown>;
  /** Ids of the last arrivals. */
  readonly fresh: Signal<ReadonlySet<string>>;
  readonly isCut: Signal<boolean>;
}

/** The newest are kept; what is older has been seen. */
export const MAX_LIVE = 300;
const RETRY_MS = 2000;

/** New traces as they are stored, newest first, for as long as `filters` is given. */
export function useLiveTail(filters: string | undefined): LiveTail {
  const tail = useMemo<LiveTail>(
    () => ({
      traces: signal([]),
      state: signal('connecting'),
      isPaused: signal(false),
      waiting: signal(0),
      error: signal(undefined),
      fresh: signal(new Set()),
      isCut: signal(false),
    }),
    [filters],
  );
  useEffect(() => {
    if (filters === undefined) return undefined;
    const abort = new AbortController();
    void run(tail, filters, abort.signal);
    return () => abort.abort();
  }, [filters]);
  return tail;
}

async function run(tail: LiveTail, filters: string, signal: AbortSignal): Promise<void> {
  const held: SummaryJson[] = [];
  const show = (arrived: readonly SummaryJson[]): void => {
    const ids = new Set(arrived.map((trace) => trace.trace_id));
    const all = [...arrived.toReversed(), ...tail.traces.peek().filter((trace) => !ids.has(trace.trace_id))];
    tail.isCut.value ||= all.length > MAX_LIVE;
    tail.fresh.value = ids;
    tail.traces.value = all.slice(0, MAX_LIVE);
  };
  const stop = tail.isPaused.subscribe((isPaused) => {
    if (isPaused || held.length === 0) return;
    show(held.splice(0));
    tail.waiting.value = 0;
  });
  // Several arrive at once: one render for all of them.
  let batch: SummaryJson[] = [];
  const flush = (): void => {
    const arrived = batch;
    batch = [];
    if (!tail.isPaused.peek()) return show(arrived);
    held.push(...arrived);
    held.splice(0, Math.max(0, held.length - MAX_LIVE));
    tail.waiting.value = held.length;
  };
  while (!signal.aborted) {
    try {
      const url = apiUrl('/live', new URLSearchParams(filters));
      for await (const { event, data } of readEvents(url, signal, () => (tail.state.value = 'open'))) {
        if (event !== 'trace' && event !== 'update') continue;
        if (batch.length === 0) requestAnimationFrame(flush);
        batch.push(JSON.parse(data) as SummaryJson);
      }
    } catch (error) {
      if (signal.aborted) break;
      if (error instanceof ApiError && error.status >= 400 && error.status < 500) {
        tail.error.value = error;
        break;
      }
    }
    tail.state.value = 'lost';
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
  stop();
}
