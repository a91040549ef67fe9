import type { IncomingHttpHeaders } from 'node:http';

/** What is known of a request before it is served. */
export interface RequestHead {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

export interface HttpOptions {
  /** Trace requests that this process serves. Default true. */
  readonly server?: boolean;
  /** Trace requests that this process makes. Default true. */
  readonly client?: boolean;
  /**
   * Served paths that are not traced, with all that happens within them: exact ones, ones that end in `*`, or
   * patterns. Replaces the default list of health checks (`DEFAULT_IGNORED_PATHS`).
   * Forge's own `/_api` is never traced.
   */
  readonly ignorePaths?: readonly (string | RegExp)[];
  /** Further served requests that are not traced: return true to leave one out. */
  readonly ignoreRequest?: (request: RequestHead) => boolean;
  /** Hosts (`host` or `host:port`, exact) that calls are not traced to; no trace context is sent there either. */
  readonly ignoreHosts?: readonly string[];
  /**
   * Query values in `url`: `redact` (the default) replaces each by REDACTED, `drop` cuts the query off, `keep` stores
   * it as it is.
   */
  readonly query?: 'redact' | 'drop' | 'keep';
  /** Called with every path and URL after that, before it is stored: for secrets in paths. */
  readonly redactUrl?: (url: string) => string;
  /** Different paths without a route that get a resource of their own, at most; default 500. */
  readonly maxPaths?: number;
}

export const DEFAULT_IGNORED_PATHS: readonly string[] = [
  '/healthz',
  '/livez',
  '/readyz',
  '/health',
  '/health/*',
  '/metrics',
  '/favicon.ico',
];
