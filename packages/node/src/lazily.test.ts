import { createMemoryStore, type TraceStore } from '@forge/storage';
import { makeSpan } from '@forge/testing';
import { expect, it } from 'vitest';
import { lazily } from './lazily.ts';

it('opens with the first call, not before', async () => {
  let opened = 0;
  const memory = createMemoryStore();
  const store = lazily<TraceStore>(async () => {
    opened++;
    return memory;
  });
  expect(opened).toBe(0);
  const span = makeSpan();
  await expect(store.write([span])).resolves.toMatchObject({ stored: 1, duplicates: 0 });
  expect((await store.trace(span.traceId))?.spans).toHaveLength(1);
  expect(opened).toBe(2);
});

it('hands the reason on while the database is away', async () => {
  const store = lazily<TraceStore>(() => Promise.reject(new Error('nobody listens on 5432')));
  await expect(store.services({ startUnixUs: 0, endUnixUs: 1 })).rejects.toThrow('nobody listens on 5432');
});

it('is no promise itself, so it may be returned from an async function', async () => {
  const store = await (async () => lazily<TraceStore>(async () => createMemoryStore()))();
  expect(typeof store.write).toBe('function');
});
