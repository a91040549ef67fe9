import { makeSpan } from '@forge/testing';
import { createMemoryStore, type TraceStore } from '@forge/storage';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createQueryHandler } from './handler.ts';
import type { SummaryJson } from './search.ts';

const NOW_MS = Date.UTC(2026, 0, 1);
let store: TraceStore;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'], now: NOW_MS });
  store = createMemoryStore();
});
afterEach(() => void vi.useRealTimers());

const span = (fields = {}) => makeSpan({ startUnixUs: NOW_MS * 1000, ...fields });

async function open(path = '/_api/live', abort = new AbortController()) {
  const handler = createQueryHandler({ store, nowMs: () => NOW_MS });
  const response = await handler(new Request(`http://localhost${path}`, { signal: abort.signal }));
  const reader = response.body!.getReader();
  const decoder = new TextDecoder();
  const next = async (): Promise<string | undefined> => {
    const { value } = (await reader.read()) as { value?: Uint8Array };
    return value === undefined ? undefined : decoder.decode(value);
  };
  return { response, reader, next };
}

/** Event names and trace ids of one piece. */
function events(text: string | undefined): [string, string][] {
  return (text ?? '')
    .split('\n\n')
    .filter((event) => event.startsWith('event'))
    .map((event) => {
      const [, name, data] = /^event: (\w+)\ndata: (.*)$/.exec(event)!;
      return [name, (JSON.parse(data) as SummaryJson).trace_id];
    });
}

it('sends what is stored from now on, and again what has grown', async () => {
  await store.write([span()]);
  const { response, reader, next } = await open();
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  expect(await next()).toBe(': live\n\n');

  const fresh = span();
  await store.write([fresh]);
  const first = next();
  await vi.advanceTimersByTimeAsync(1000);
  expect(events(await first)).toEqual([['trace', fresh.traceId]]);

  await store.write([span({ traceId: fresh.traceId })]);
  const second = next();
  await vi.advanceTimersByTimeAsync(1000);
  expect(events(await second)).toEqual([['update', fresh.traceId]]);
  await reader.cancel();
});

it('sends only what matches the filter', async () => {
  const { reader, next } = await open('/_api/live?service=gateway&min_duration=1');
  await next();
  const match = span({ durationUs: 1000, origin: { serviceName: 'gateway', nodeId: undefined, attributes: [] } });
  await store.write([span(), match]);
  const piece = next();
  await vi.advanceTimersByTimeAsync(1000);
  expect(events(await piece)).toEqual([['trace', match.traceId]]);
  await reader.cancel();
});

it('keeps a silent connection open with comments', async () => {
  const { reader, next } = await open();
  await next();
  const piece = next();
  await vi.advanceTimersByTimeAsync(15_000);
  expect(await piece).toBe(': still here\n\n');
  await reader.cancel();
});

it('goes on when the store was away', async () => {
  const { reader, next } = await open();
  await next();
  const search = vi.spyOn(store, 'search').mockRejectedValueOnce(new Error('away'));
  const fresh = span();
  await store.write([fresh]);
  const piece = next();
  await vi.advanceTimersByTimeAsync(2000);
  expect(events(await piece)).toEqual([['trace', fresh.traceId]]);
  expect(search).toHaveBeenCalledTimes(2);
  await reader.cancel();
});

it('stops polling when the reader leaves, or aborts', async () => {
  const search = vi.spyOn(store, 'search');
  const left = await open();
  await left.next();
  await left.reader.cancel();
  const abort = new AbortController();
  const aborted = await open('/_api/live', abort);
  await aborted.next();
  abort.abort();
  expect(await aborted.next()).toBeUndefined();
  const polls = search.mock.calls.length;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(search.mock.calls.length).toBe(polls);
  expect(vi.getTimerCount()).toBe(0);
});

it('refuses more than 32 streams at once, and takes new ones when others end', async () => {
  const handler = createQueryHandler({ store, nowMs: () => NOW_MS });
  const ask = () => handler(new Request('http://localhost/_api/live'));
  const open = await Promise.all(Array.from({ length: 32 }, ask));
  expect(open.map((response) => response.status)).toEqual(Array(32).fill(200));
  expect((await ask()).status).toBe(503);
  await open[0].body!.cancel();
  const next = await ask();
  expect(next.status).toBe(200);
  await Promise.all([...open.slice(1), next].map((response) => response.body!.cancel()));
});

it('refuses unknown parameters before the stream begins', async () => {
  const { response } = await open('/_api/live?limit=5');
  expect(response.status).toBe(400);
});
