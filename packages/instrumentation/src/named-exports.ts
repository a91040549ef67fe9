/** Some of a module's exports, replaced. */
export interface ReplacedExports {
  /** What `host.onModule`'s patch is to return. */
  readonly exports: unknown;
  undo(): void;
}

/**
 * Replaces named exports of a module: in place where the exports can be changed, as loaders of ES modules want it; in a
 * copy where they refuse (getters, a real namespace).
 *
 * @param wrappers what makes the replacement, by the export's name; a name that is no function there is left alone
 */
export function replaceNamed(
  exports: object,
  wrappers: Readonly<Record<string, (original: never) => unknown>>,
): ReplacedExports {
  const replaced: [name: string, original: unknown, wrapped: unknown][] = [];
  for (const [name, wrap] of Object.entries(wrappers)) {
    const original: unknown = Reflect.get(exports, name);
    if (typeof original === 'function') replaced.push([name, original, wrap(original as never)]);
  }
  const undo = (): void => {
    for (const [name, original] of replaced) set(exports, name, original);
  };
  if (replaced.every(([name, , wrapped]) => set(exports, name, wrapped))) return { exports: undefined, undo };
  undo();
  const copy = { ...exports, ...Object.fromEntries(replaced.map(([name, , wrapped]) => [name, wrapped])) };
  return { exports: copy, undo: () => undefined };
}

/** Whether it took. */
function set(exports: object, name: string, value: unknown): boolean {
  try {
    return Reflect.set(exports, name, value) && Reflect.get(exports, name) === value;
  } catch {
    return false;
  }
}
