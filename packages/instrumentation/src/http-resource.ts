const SLASH = 47;
const MAX_SEGMENTS = 8;
const MAX_SEGMENT_LENGTH = 40;
const MAX_REMEMBERED = 1000;

/**
 * Resources for requests without a route: `GET /api/orders/:id` for `/api/orders/17`.
 *
 * Bounded twice, since anybody can ask for any path: segments that look like ids become `:id`, and only so many
 * different shapes get a name of their own; the rest is `GET *`. A shape that was only ever refused (4xx) gets none:
 * a scanner must not use them up.
 */
export class ResourceNames {
  readonly #shapes = new Set<string>();
  /** Resources by method and path as they came: most requests repeat one. Only ever filled, up to its bound. */
  readonly #remembered = new Map<string, Map<string, string>>();
  #rememberedCount = 0;
  readonly #maxShapes: number;
  /** Requests that were counted under `*` because all names were taken. */
  overflowed = 0;

  /** @param maxShapes different shapes of paths that get a name, at most */
  constructor(maxShapes = 500) {
    this.#maxShapes = maxShapes;
  }

  /**
   * @param path without the query
   * @param refused whether the answer says that there is nothing here, or nothing for this caller
   */
  of(method: string, path: string, refused: boolean): string {
    let ofMethod = this.#remembered.get(method);
    const found = ofMethod?.get(path);
    if (found !== undefined) return found;
    const shape = shapeOf(path);
    if (!this.#shapes.has(shape)) {
      if (refused) return `${method} *`;
      if (this.#shapes.size >= this.#maxShapes) {
        this.overflowed++;
        return `${method} *`;
      }
      this.#shapes.add(shape);
    }
    const resource = `${method} ${shape}`;
    if (this.#rememberedCount < MAX_REMEMBERED) {
      if (ofMethod === undefined) this.#remembered.set(method, (ofMethod = new Map()));
      ofMethod.set(path, resource);
      this.#rememberedCount++;
    }
    return resource;
  }
}

/** `path` with `:id` for segments that look like ids, in one pass; nothing is built where there are none. */
function shapeOf(path: string): string {
  let shape = '';
  let copied = 0;
  let segments = 0;
  let start = path.charCodeAt(0) === SLASH ? 1 : 0;
  for (let i = start; i <= path.length; i++) {
    if (i < path.length && path.charCodeAt(i) !== SLASH) continue;
    if (++segments > MAX_SEGMENTS) return `${shape}${path.slice(copied, start)}*`;
    if (looksLikeId(path, start, i)) {
      shape += `${path.slice(copied, start)}:id`;
      copied = i;
    }
    start = i + 1;
  }
  return copied === 0 ? path : shape + path.slice(copied);
}

/** Numbers, UUIDs, hashes, `user-17`, encoded text; not `v2`, `oauth2`, `s3`. */
function looksLikeId(path: string, start: number, end: number): boolean {
  const length = end - start;
  if (length > MAX_SEGMENT_LENGTH) return true;
  let digits = 0;
  let separators = 0;
  for (let i = start; i < end; i++) {
    const code = path.charCodeAt(i);
    if (isDigit(code)) digits++;
    else if (code === 45 || code === 95) separators++;
    else if (code === 37 || code === 64 || code === 61 || code > 127) return true;
  }
  if (digits === 0) return false;
  const first = path.charCodeAt(start);
  if ((first === 118 || first === 86) && digits === length - 1 && digits <= 3) return false;
  return length >= 8 || separators > 0 || isDigit(first);
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}
