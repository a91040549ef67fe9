import type { TraceStore } from '@forge/storage';
import type { Access } from './access.ts';
import type { ParameterTable } from './parameters.ts';

/** What a path's code gets to answer one request. */
export interface RouteContext {
  readonly request: Request;
  readonly url: URL;
  /** The values of the pattern's `{names}`, decoded. */
  readonly path: Readonly<Record<string, string>>;
  readonly store: TraceStore;
  readonly nowUnixUs: number;
  /** Aborts with the request, or when its time is over. */
  readonly signal: AbortSignal;
}

/** One path and method: what it takes, what it answers, and how OpenAPI describes both. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Below the base path: `/traces/{id}`. */
  readonly pattern: string;
  readonly access: Access;
  readonly summary: string;
  readonly description?: string;
  readonly parameters: ParameterTable;
  /** Whether `tag.KEY=VALUE` is taken too. */
  readonly takesTags?: boolean;
  /** Descriptions of the pattern's names. */
  readonly pathParameters?: Readonly<Record<string, string>>;
  /** Name of the answer's schema among the components, for JSON; else the content's type and what it is; else that there is none. */
  readonly answer:
    | { readonly schema: string }
    | { readonly contentType: string; readonly description: string }
    | { readonly description: string };
  /** What the request's body is. */
  readonly body?: { readonly contentType: string; readonly description: string };
  /** Takes as long as the caller sends: only the caller's leaving ends it. */
  readonly isUnbounded?: true;
  /** Of Jaeger's API: described by Jaeger, left out of OpenAPI. */
  readonly isJaegers?: true;
  /** Problem statuses beyond 400, 401, 403, 500, 503, 504. */
  readonly problems?: readonly number[];
  readonly handle: (context: RouteContext) => Promise<Response>;
}

/** Matches paths against patterns; segments are decoded once. */
export function matchPattern(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = pattern.split('/');
  const given = path.split('/');
  if (wanted.length !== given.length) return undefined;
  const values: Record<string, string> = {};
  for (const [i, segment] of wanted.entries()) {
    const name = /^\{(\w+)\}$/.exec(segment)?.[1];
    if (name === undefined) {
      if (segment !== given[i]) return undefined;
      continue;
    }
    try {
      values[name] = decodeURIComponent(given[i]);
    } catch {
      values[name] = given[i]!; // A broken escape: the value's own check refuses it.
    }
  }
  return values;
}
