export interface FetchOptions {
  /** Hosts (`host` or `host:port`, exact) that calls are not traced to; no trace context is sent there either. */
  readonly ignoreHosts?: readonly string[];
  /**
   * Query values in `url`: `redact` (the default) replaces each by REDACTED, `drop` cuts the query off, `keep` stores
   * it as it is.
   */
  readonly query?: 'redact' | 'drop' | 'keep';
  /** Called with every URL after that, before it is stored: for secrets in paths. */
  readonly redactUrl?: (url: string) => string;
}
