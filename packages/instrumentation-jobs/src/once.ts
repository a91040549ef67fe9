const made = new WeakSet<object>();

/**
 * What `wrap` makes of a function or class, or the function itself where it was made that way: a library may be reached
 * by `require`, by `import` and by hand at once.
 */
export function once<F extends object>(original: F, wrap: (original: F) => F): F {
  if (made.has(original)) return original;
  const wrapped = wrap(original);
  made.add(wrapped);
  return wrapped;
}
