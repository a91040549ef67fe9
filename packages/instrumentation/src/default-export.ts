/** A module's exports with its default export replaced. */
export interface ReplacedDefault {
  /** What `host.onModule`'s patch is to return. */
  readonly exports: unknown;
  undo(): void;
}

/**
 * Replaces what a module exports as a whole: `module.exports` where that is a function or a class, or the `default` of
 * an ES module's namespace. A namespace is changed in place where it can be: loaders hand out one that they watch, and
 * take anything that is returned for the new default.
 *
 * @param wrap makes the replacement; not called where the exports have no function as their default
 */
export function replaceDefault<F extends object>(exports: unknown, wrap: (original: F) => F): ReplacedDefault {
  if (typeof exports === 'function') return { exports: wrap(exports as unknown as F), undo: () => undefined };
  const namespace = exports as { default?: unknown } | null | undefined;
  const original = namespace?.default;
  if (namespace === null || namespace === undefined || typeof original !== 'function') {
    return { exports: undefined, undo: () => undefined };
  }
  const wrapped = wrap(original as unknown as F);
  if (setDefault(namespace, wrapped)) return { exports: undefined, undo: () => void setDefault(namespace, original) };
  return { exports: { ...namespace, default: wrapped }, undo: () => undefined };
}

/** Whether it took: a real namespace refuses. */
function setDefault(namespace: { default?: unknown }, value: unknown): boolean {
  try {
    namespace.default = value;
    return namespace.default === value;
  } catch {
    return false;
  }
}
