const SLASH = 47;
const MAX_SEGMENTS = 8;
const MAX_SEGMENT_LENGTH = 40;

/**
 * Resources for requests without a route: `GET /api/orders/:id` for `/api/orders/17`.
 *
 * Bounded twice, since anybody can ask for any path: segments that look like ids become `:id`, and only so many
 * different paths get a name of their own; the rest is `GET *`. A path that was only ever refused (4xx) gets none:
 * a scanner must not use them up.
 */
export class ResourceNames {
  readonly #known = new Set<string>();
  readonly #maxPaths: number;
  /** Requests that were counted under `*` because all names were taken. */
  overflowed = 0;

  /** @param maxPaths different paths that get a name, at most */
  constructor(maxPaths = 500) {
    this.#maxPaths = maxPaths;
  }

  /**
   * @param path without the query
   * @param refused whether the answer says that there is nothing here, or nothing for this caller
   */
  of(method: string, path: string, refused: boolean): string {
    const shape = shapeOf(path);
    if (!this.#known.has(shape)) {
      if (refused) return `${method} *`;
      if (this.#known.size >= this.#maxPaths) {
        this.overflowed++;
        return `${method} *`;
      }
      this.#known.add(shape);
    }
    return `${method} ${shape}`;
  }
}

/** `path` with `:id` for segments that look like ids. The common case, none, costs one pass and no allocation. */
function shapeOf(path: string): string {
  let segments = 0;
  let start = 0;
  let suspicious = false;
  for (let i = 0; i < path.length; i++) {
    const code = path.charCodeAt(i);
    if (code === SLASH) {
      segments++;
      if (i - start > MAX_SEGMENT_LENGTH) suspicious = true;
      start = i + 1;
    } else if ((code >= 48 && code <= 57) || code === 37 || code === 64 || code === 61 || code > 127) suspicious = true;
  }
  if (!suspicious && segments <= MAX_SEGMENTS && path.length - start <= MAX_SEGMENT_LENGTH) return path;
  const parts = path.split('/');
  const kept = parts.length > MAX_SEGMENTS + 1 ? [...parts.slice(0, MAX_SEGMENTS + 1), '*'] : parts;
  return kept.map((part) => (looksLikeId(part) ? ':id' : part)).join('/');
}

/** Numbers, UUIDs, hashes, `user-17`, encoded text; not `v2`, `oauth2`, `s3`. */
function looksLikeId(segment: string): boolean {
  if (segment.length > MAX_SEGMENT_LENGTH || /[%@=\u0080-\uffff]/.test(segment)) return true;
  if (!/\d/.test(segment) || /^v\d{1,3}$/i.test(segment)) return false;
  return segment.length >= 8 || /^\d/.test(segment) || /[-_]/.test(segment);
}
