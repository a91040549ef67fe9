import { ForgeError } from '@forge/core';
import { DUPLICATE_FUNCTION, UNKNOWN_FUNCTION } from './errors.ts';
import type { ForgeFunction } from './traced-function.ts';

export interface FunctionExecutorOptions<C> {
  /** Each name once. */
  readonly functions: readonly ForgeFunction<C, never, unknown>[];
  /** What every function gets as its `ctx`; or a function that makes one for each call. */
  readonly context: C | ((name: string) => C);
}

/** Runs functions by their names: behind a gRPC service, a queue, a test. */
export interface FunctionExecutor {
  /** The names it knows, sorted. */
  readonly names: readonly string[];
  /**
   * Runs the function and resolves with what it returns; rejects with what it throws.
   * An unknown name rejects with FORGE_FUNCTIONS_UNKNOWN, before anything runs.
   */
  execute(name: string, input: unknown): Promise<unknown>;
}

/** Throws FORGE_FUNCTIONS_DUPLICATE where two functions have one name. */
export function createFunctionExecutor<C>(options: FunctionExecutorOptions<C>): FunctionExecutor {
  const byName = new Map<string, ForgeFunction<C, never, unknown>>();
  for (const fn of options.functions) {
    if (byName.has(fn.name)) throw new ForgeError(DUPLICATE_FUNCTION, `two functions are named "${fn.name}"`);
    byName.set(fn.name, fn);
  }
  const names = [...byName.keys()].toSorted();
  const { context } = options;
  const contextOf = typeof context === 'function' ? (context as (name: string) => C) : () => context;

  return {
    names,
    async execute(name, input) {
      const fn = byName.get(name);
      if (fn === undefined) {
        // The name comes from a caller: only its beginning is repeated.
        throw new ForgeError(
          UNKNOWN_FUNCTION,
          `there is no function "${String(name).slice(0, 100)}"; there are: ${names.join(', ')}`,
        );
      }
      return fn(contextOf(name), input as never);
    },
  };
}
