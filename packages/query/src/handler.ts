import { isForgeError } from '@forge/core';
import type { TraceStore } from '@forge/storage';
import { jaegerRoutes } from './jaeger-routes.ts';
import { liveRoutes } from './live-routes.ts';
import { namesRoutes } from './names-routes.ts';
import { compareRoute } from './compare-route.ts';
import { createAccessCheck, type AccessOptions, type Peer } from './access.ts';
import { QueryErrors } from './errors.ts';
import { openApiDocument } from './openapi.ts';
import { readParameters } from './parameters.ts';
import { ProblemError } from './problem.ts';
import { jsonResponse, SAFE_HEADERS } from './response.ts';
import { ratesRoutes } from './rates-routes.ts';
import { matchPattern, type Route } from './route.ts';
import { transferRoutes } from './transfer-routes.ts';
import { traceRoutes } from './trace-routes.ts';

export interface QueryOptions extends AccessOptions {
  readonly store: TraceStore;
  /** Where the API is mounted. Default `/_api`. */
  readonly basePath?: string;
  /** What `GET /_api/info` answers: whatever the operator should see of the running process. */
  readonly info?: () => unknown;
  /** How long traces are kept, in words (`7 days`): said where a trace is not found. */
  readonly retention?: string;
  /** Longest time for one answer to begin. Default 10,000. */
  readonly timeoutMs?: number;
  /** Longest body of an import, unpacked. Default 256 MB. */
  readonly maxImportBytes?: number;
  /** Told of failures that are not the caller's. */
  readonly onError?: (error: unknown) => void;
  /** Unix milliseconds, for times before now. Default `Date.now`. */
  readonly nowMs?: () => number;
}

/** Answers a web Request; never rejects. `peer` is what only the transport knows of the caller. */
export type QueryHandler = (request: Request, peer?: Peer) => Promise<Response>;

const MAX_URL_LENGTH = 16_384;

/** The REST API over a trace store. Paths outside `basePath` are answered with 404. */
export function createQueryHandler(options: QueryOptions): QueryHandler {
  const { store, timeoutMs = 10_000, onError, nowMs = Date.now } = options;
  const basePath = normalBasePath(options.basePath ?? '/_api');
  const check = createAccessCheck(options);
  const routes: Route[] = [
    ...traceRoutes(options.retention),
    ...namesRoutes(),
    ...ratesRoutes(),
    compareRoute(options.retention),
    ...transferRoutes(options.retention, options.maxImportBytes ?? 256_000_000),
    ...liveRoutes(),
    ...jaegerRoutes(options.retention),
    infoRoute(options.info),
  ];
  routes.push(openApiRoute(() => openApiDocument(routes, basePath)));

  async function answer(request: Request, peer: Peer): Promise<Response> {
    if (request.url.length > MAX_URL_LENGTH)
      throw new ProblemError(414, QueryErrors.tooLarge, `the URL is longer than ${MAX_URL_LENGTH} characters`);
    const url = new URL(request.url);
    // Before anything is looked up: a stranger learns nothing of what is here.
    const isWrite = request.method !== 'GET' && request.method !== 'HEAD';
    check(request, isWrite ? 'write' : 'read', peer);
    const { route, path } = findRoute(routes, basePath, url.pathname, request.method);
    const deadline = route.isUnbounded === true ? new AbortController().signal : AbortSignal.timeout(timeoutMs);
    const signal = AbortSignal.any([deadline, request.signal]);
    const nowUnixUs = Math.floor(nowMs() * 1000);
    return within(route.handle({ request, url, path, store, nowUnixUs, signal }), signal, deadline, timeoutMs);
  }

  return async (request, peer = {}) => {
    let response: Response;
    try {
      response = await answer(request, peer);
    } catch (error) {
      response = problemResponse(error, onError);
    }
    for (const [name, value] of Object.entries(SAFE_HEADERS))
      if (!response.headers.has(name)) response.headers.set(name, value);
    if (request.method !== 'HEAD') return response;
    await response.body?.cancel();
    return new Response(null, { status: response.status, headers: response.headers });
  };
}

function normalBasePath(path: string): string {
  if (!/^(?:\/[\w.~-]+)*\/?$/.test(path))
    throw new TypeError(`basePath ${JSON.stringify(path)} is not a path such as /_api`);
  return path.replace(/\/$/, '');
}

function findRoute(
  routes: readonly Route[],
  basePath: string,
  pathname: string,
  method: string,
): { route: Route; path: Record<string, string> } {
  const wanted = method === 'HEAD' ? 'GET' : method;
  const allowed = new Set<string>();
  if (pathname.startsWith(`${basePath}/`)) {
    const below = pathname.slice(basePath.length).replace(/(.)\/$/, '$1');
    for (const route of routes) {
      const path = matchPattern(route.pattern, below);
      if (path === undefined) continue;
      if (route.method === wanted) return { route, path };
      allowed.add(route.method);
      if (route.method === 'GET') allowed.add('HEAD');
    }
  }
  if (allowed.size === 0)
    throw new ProblemError(
      404,
      QueryErrors.notFound,
      `nothing is at ${pathname}; ${basePath}/openapi.json lists the paths`,
    );
  const allow = [...allowed].sort().join(', ');
  throw new ProblemError(
    405,
    QueryErrors.methodNotAllowed,
    `${method} is not allowed here; allowed: ${allow}`,
    {},
    { allow },
  );
}

/** The answer, or the signal's end before it. What was under way is bounded by the store's own timeout. */
function within(
  work: Promise<Response>,
  signal: AbortSignal,
  deadline: AbortSignal,
  timeoutMs: number,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      reject(
        deadline.aborted
          ? new ProblemError(
              504,
              QueryErrors.timeout,
              `no answer within ${timeoutMs} ms; narrow the times, or ask for less`,
            )
          : new ProblemError(503, QueryErrors.unavailable, 'the request was abandoned'),
      );
    };
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

function problemResponse(error: unknown, onError: ((error: unknown) => void) | undefined): Response {
  const known = error instanceof ProblemError ? error : problemOf(error);
  if (known !== error) onError?.(error);
  return new Response(JSON.stringify(known.problem), {
    status: known.status,
    headers: { 'content-type': 'application/problem+json; charset=utf-8', ...known.headers },
  });
}

/** What the caller is told of a failure inside: never its own words, which may hold SQL or addresses. */
function problemOf(error: unknown): ProblemError {
  if (isForgeError(error) && /TIMEOUT/.test(error.code))
    return new ProblemError(504, QueryErrors.timeout, 'the store took too long; narrow the times, or ask for less');
  if (isForgeError(error) && /CURSOR/.test(error.code))
    return new ProblemError(
      400,
      QueryErrors.invalidParameter,
      'cursor: not one of this store; start again without it',
      { parameter: 'cursor' },
    );
  if (isForgeError(error) && error.retryable)
    return new ProblemError(
      503,
      QueryErrors.unavailable,
      'the store cannot be reached now',
      {},
      { 'retry-after': '1' },
    );
  return new ProblemError(500, QueryErrors.internal, 'something failed inside; the log of this process says what');
}

function infoRoute(info: (() => unknown) | undefined): Route {
  return {
    method: 'GET',
    pattern: '/info',
    access: 'read',
    summary: 'What the running process says of itself: counters, instrumentations, exporters',
    parameters: {},
    answer: { schema: 'Info' },
    async handle({ url, nowUnixUs }) {
      readParameters(url.searchParams, {}, nowUnixUs);
      return jsonResponse((await info?.()) ?? {});
    },
  };
}

function openApiRoute(document: () => unknown): Route {
  return {
    method: 'GET',
    pattern: '/openapi.json',
    access: 'read',
    summary: 'This description',
    parameters: {},
    answer: { schema: 'Info' },
    handle: () => Promise.resolve(jsonResponse(document())),
  };
}
