/**
 * Puts a wrapper in the place of an own or inherited method. The undo leaves no trace of it, unless somebody wrapped the
 * method again: then our wrapper stays within theirs, and must only call through.
 */
export function patchMethod<F extends (this: unknown, ...args: never[]) => unknown>(
  holder: object,
  name: string,
  wrap: (method: F) => F,
): () => void {
  const target = holder as Record<string, F>;
  const before = Object.getOwnPropertyDescriptor(target, name);
  const method = target[name];
  const wrapped = wrap(method);
  // Its name, its length, and what hangs on it: `promisify.custom` of http2.connect.
  const { prototype: _, ...own } = Object.getOwnPropertyDescriptors(method) as Record<string, PropertyDescriptor>;
  Object.defineProperties(wrapped, own);
  target[name] = wrapped;
  return () => {
    if (target[name] !== wrapped) return;
    if (before === undefined) delete (target as Partial<Record<string, F>>)[name];
    else Object.defineProperty(target, name, before);
  };
}
