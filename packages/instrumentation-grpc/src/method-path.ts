/** The parts of `/pkg.Service/Method`. Made once a path: a program has few. */
export interface MethodPath {
  readonly service: string;
  readonly method: string;
  readonly resource: string;
}

const MAX_PATHS = 1000;
const known = new Map<string, MethodPath>();

export function parseMethodPath(path: string): MethodPath {
  const found = known.get(path);
  if (found !== undefined) return found;
  const resource = path.startsWith('/') ? path.slice(1) : path;
  const slash = resource.lastIndexOf('/');
  const parsed = { service: resource.slice(0, Math.max(slash, 0)), method: resource.slice(slash + 1), resource };
  // A generic proxy passes on any path that its callers make up.
  if (known.size < MAX_PATHS) known.set(path, parsed);
  return parsed;
}
