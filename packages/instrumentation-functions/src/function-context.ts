type Fetch = typeof globalThis.fetch;

/** `fetch` with a method for each verb: `ctx.http.post(url, { amount: 5 })` sends JSON. */
export interface FunctionHttp extends Fetch {
  get(url: string | URL, init?: RequestInit): Promise<Response>;
  delete(url: string | URL, init?: RequestInit): Promise<Response>;
  post(url: string | URL, body?: unknown, init?: RequestInit): Promise<Response>;
  put(url: string | URL, body?: unknown, init?: RequestInit): Promise<Response>;
  patch(url: string | URL, body?: unknown, init?: RequestInit): Promise<Response>;
}

/** What a function may use. Everything is passed in; nothing is global. */
export type FunctionContext<P extends FunctionParts> = Readonly<Omit<P, 'http'> & { http: FunctionHttp }>;

export interface FunctionParts {
  /** A traced database client. */
  readonly db?: unknown;
  /** A traced `fetch`. Default: the global one. */
  readonly http?: Fetch;
  /** Hands a job to the queue: `(jobType, data) => ...`, traced by `@forge/instrumentation-jobs`. */
  readonly dispatch?: (jobType: string, data: never) => unknown;
}

/**
 * The context that functions get: `ctx.db` and `ctx.dispatch` as given, further parts too, and `ctx.http` with a method
 * for each verb. Frozen, so that no function changes it for the others.
 */
export function createFunctionContext<P extends FunctionParts>(parts: P): FunctionContext<P> {
  return Object.freeze({ ...parts, http: withVerbs(parts.http) });
}

/** Looks up the global `fetch` at each call: it may be replaced later. */
function withVerbs(given: Fetch | undefined): FunctionHttp {
  const send: Fetch = (url, init) => (given ?? globalThis.fetch)(url, init);
  const bare = (method: string) => (url: string | URL, init?: RequestInit) => send(url, { ...init, method });
  const withBody = (method: string) => (url: string | URL, body?: unknown, init?: RequestInit) =>
    send(url, { ...jsonInit(body, init), method });
  return Object.assign(send, {
    get: bare('GET'),
    delete: bare('DELETE'),
    post: withBody('POST'),
    put: withBody('PUT'),
    patch: withBody('PATCH'),
  });
}

/** Plain objects, arrays and numbers go as JSON; what `fetch` can send by itself goes as it is. */
function jsonInit(body: unknown, init: RequestInit | undefined): RequestInit {
  if (body === undefined) return { ...init };
  if (typeof body === 'string' || isNativeBody(body)) return { ...init, body: body as RequestInit['body'] };
  const headers = new Headers(init?.headers);
  if (!headers.has('content-type')) headers.set('content-type', 'application/json');
  return { ...init, headers, body: JSON.stringify(body) };
}

function isNativeBody(body: unknown): boolean {
  return (
    body instanceof ReadableStream ||
    body instanceof Blob ||
    body instanceof FormData ||
    body instanceof URLSearchParams ||
    body instanceof ArrayBuffer ||
    ArrayBuffer.isView(body)
  );
}
