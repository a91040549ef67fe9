/**
 * An object that opens with the first call of a method: whoever needs it gets it at once, and an error while what is
 * behind it is away. All methods of `T` must return promises.
 */
export function lazily<T extends object>(open: () => Promise<T>): T {
  return new Proxy({} as T, {
    get(_target, method) {
      if (typeof method === 'symbol' || method === 'then') return undefined;
      return async (...args: unknown[]): Promise<unknown> => {
        const opened = await open();
        return Reflect.apply((opened as Record<string, (...args: unknown[]) => unknown>)[method], opened, args);
      };
    },
  });
}
