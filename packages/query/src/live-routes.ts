import type { TraceQuery, TraceStore } from '@forge/storage';
import { QueryErrors } from './errors.ts';
import { readParameters } from './parameters.ts';
import { ProblemError } from './problem.ts';
import type { Route } from './route.ts';
import { FILTER_PARAMETERS, queryOfFilter, summaryToJson } from './search.ts';

const POLL_MS = 1000;
/** How far back a poll looks: a trace is stored after it started, a long one minutes later. */
const LOOK_BACK_US = 300e6;
const MAX_A_POLL = 200;
const MAX_REMEMBERED = 10_000;
const MAX_STREAMS = 32;
const SILENCE_MS = 15_000;

/** New traces as they are stored, by server-sent events. */
export function liveRoutes(): Route[] {
  let streams = 0;
  return [
    {
      method: 'GET',
      pattern: '/live',
      access: 'read',
      summary: 'New traces as they are stored, by server-sent events',
      description:
        `Event \`trace\`: the summary of a trace that is new; \`update\`: of one sent before that has grown. ` +
        `At most ${MAX_A_POLL} a second, the newest first. A comment every ${SILENCE_MS / 1000} s keeps the connection open.`,
      parameters: FILTER_PARAMETERS,
      takesTags: true,
      answer: { contentType: 'text/event-stream', description: 'Events with a `Summary` as their data.' },
      handle({ url, store, nowUnixUs, request }) {
        const filter = queryOfFilter(readParameters(url.searchParams, FILTER_PARAMETERS, nowUnixUs, true));
        if (streams >= MAX_STREAMS)
          throw new ProblemError(
            503,
            QueryErrors.unavailable,
            `${MAX_STREAMS} live streams are open already`,
            {},
            { 'retry-after': '5' },
          );
        streams++;
        const body = liveStream(store, filter, nowUnixUs, request.signal, () => streams--);
        return Promise.resolve(new Response(body, { headers: { 'content-type': 'text/event-stream' } }));
      },
    },
  ];
}

/** Polls the store while somebody reads. What is sent is bounded by what is read: no poll runs ahead of the reader. */
function liveStream(
  store: TraceStore,
  filter: Partial<TraceQuery>,
  sinceUnixUs: number,
  signal: AbortSignal,
  onEnd: () => void,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  /** Spans of each trace that was sent, the oldest first. */
  const sent = new Map<string, number>();
  const openedMs = performance.now();
  let silentMs = 0;
  let timer: NodeJS.Timeout | undefined;
  let hasEnded = false;
  const end = (): void => {
    if (hasEnded) return;
    hasEnded = true;
    clearTimeout(timer);
    onEnd();
  };

  let isFirst = true;
  async function poll(): Promise<string> {
    const nowUnixUs = sinceUnixUs + Math.round((performance.now() - openedMs) * 1000);
    const { traces } = await store.search({
      ...filter,
      startUnixUs: Math.max(0, nowUnixUs - LOOK_BACK_US),
      sort: 'newest',
      limit: MAX_A_POLL,
    });
    let text = '';
    for (const trace of traces.toReversed()) {
      const before = sent.get(trace.traceId);
      if (before === trace.spans) continue;
      sent.delete(trace.traceId);
      sent.set(trace.traceId, trace.spans);
      // What was there before the stream began is not new; it may still grow.
      if (isFirst) continue;
      text += `event: ${before === undefined ? 'trace' : 'update'}\ndata: ${JSON.stringify(summaryToJson(trace))}\n\n`;
    }
    isFirst = false;
    for (const id of sent.keys()) {
      if (sent.size <= MAX_REMEMBERED) break;
      sent.delete(id);
    }
    return text;
  }

  return new ReadableStream<Uint8Array>({
    start(controller) {
      signal.addEventListener('abort', () => {
        if (hasEnded) return;
        end();
        controller.close();
      });
      // At once, so that the reader sees the head: what was stored before the first poll is not new.
      controller.enqueue(encoder.encode(': live\n\n'));
      return poll().then(ignore, ignore);
    },
    async pull(controller) {
      for (;;) {
        await new Promise((resolve) => (timer = setTimeout(resolve, POLL_MS)));
        if (hasEnded) return;
        // A store that is away for a while is no reason to end: the next poll tries again.
        const text = await poll().catch(() => '');
        if (hasEnded) return;
        silentMs += POLL_MS;
        if (text === '' && silentMs < SILENCE_MS) continue;
        silentMs = 0;
        controller.enqueue(encoder.encode(text === '' ? ': still here\n\n' : text));
        return;
      }
    },
    cancel: end,
  });
}

function ignore(): void {
  // The first poll that succeeds is the one that tells old traces from new ones.
}
