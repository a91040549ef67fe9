import type { TraceStore } from '@forge/storage';

/** A store that opens with its first call: readers get it at once, and an error while the database is away. */
export function lazyStore(open: () => Promise<TraceStore>): TraceStore {
  return new Proxy({} as TraceStore, {
    get(_target, method) {
      if (typeof method === 'symbol' || method === 'then') return undefined;
      return async (...args: unknown[]): Promise<unknown> => {
        const store = await open();
        return Reflect.apply(
          (store as unknown as Record<string, (...args: unknown[]) => unknown>)[method],
          store,
          args,
        );
      };
    },
  });
}
