type Method = (this: never, ...args: never[]) => unknown;

/**
 * Replaces a method by what `wrap` makes of it; returns the undo. The original is put back unless somebody has replaced
 * it again since: what they made calls ours, which then only calls through.
 */
export function patchMethod(object: object, name: string, wrap: (original: Method) => Method): () => void {
  const before = Object.getOwnPropertyDescriptor(object, name);
  const original: unknown = Reflect.get(object, name);
  if (typeof original !== 'function') return () => undefined;
  const wrapped = wrap(original as Method);
  Object.defineProperties(wrapped, {
    name: { value: original.name, configurable: true },
    length: { value: original.length, configurable: true },
  });
  Object.defineProperty(object, name, {
    value: wrapped,
    configurable: true,
    writable: true,
    enumerable: before?.enumerable ?? false,
  });
  return () => {
    if (Reflect.get(object, name) !== wrapped) return;
    if (before === undefined) Reflect.deleteProperty(object, name);
    else Object.defineProperty(object, name, before);
  };
}
