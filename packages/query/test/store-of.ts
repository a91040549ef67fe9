import type { SpanData } from '@forge/core';
import { createMemoryStore, type TraceStore } from '@forge/storage';

/** A store in memory that holds these spans. */
export async function storeOf(spans: readonly SpanData[]): Promise<TraceStore> {
  const store = createMemoryStore();
  await store.write(spans);
  return store;
}
