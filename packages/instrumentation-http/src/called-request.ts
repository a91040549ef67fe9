import type { Context } from '@opentelemetry/api';
import { Kind, type Span, Status } from '@forge/core';
import type { InstrumentationHost } from '@forge/instrumentation';
import { redactQuery, withoutCredentials } from '@forge/instrumentation/http';
import type { HttpOptions } from './options.ts';

/** Starts and fills the spans of calls to others, whatever the protocol. */
export class CallSpans {
  readonly #host: InstrumentationHost;
  readonly #ignoredHosts: ReadonlySet<string>;
  readonly #redactUrl: ((url: string) => string) | undefined;
  readonly #query: 'redact' | 'drop' | 'keep';

  constructor(host: InstrumentationHost, options: HttpOptions) {
    this.#host = host;
    this.#ignoredHosts = new Set(options.ignoreHosts);
    this.#redactUrl = options.redactUrl;
    this.#query = options.query ?? 'redact';
  }

  start(caller: Context): Span {
    return this.#host.tracer.start('http.client', Kind.client, caller);
  }

  /**
   * @param protocol with its colon: `https:`
   * @param authority `host` or `host:port`, the port where it is not the protocol's own
   * @param path with the query; an absolute URL where a proxy is asked
   */
  describe(span: Span, method: string, protocol: string, authority: string, path: string): void {
    if (!span.isRecording()) return;
    const mark = path.indexOf('?');
    const query = this.#query;
    const target = mark < 0 || query === 'keep' ? path : query === 'drop' ? path.slice(0, mark) : redactQuery(path);
    const url = target.startsWith('/') ? `${protocol}//${authority}${target}` : withoutCredentials(target);
    span.setResource(authority).set('method', method);
    span.set('url', this.#redactUrl === undefined ? url : this.#redactUrl(url));
  }

  /** Whether any calls are not to be traced: saves a look at most of them. */
  get ignoresHosts(): boolean {
    return this.#ignoredHosts.size > 0;
  }

  /** Whether calls there are not traced. */
  isIgnored(authority: string): boolean {
    const ignored = this.#ignoredHosts;
    const colon = authority.lastIndexOf(':');
    return ignored.has(authority) || (colon > 0 && ignored.has(authority.slice(0, colon)));
  }

  /** Records what came back: from 400 on it is an error, to whoever asked. */
  answer(
    span: Span,
    status: number,
    statusText: string,
    length: string | undefined,
    header: (name: string) => string | undefined,
    peer: string,
  ): void {
    span.set('status', status);
    if (status >= 400) span.setStatus({ code: Status.error, message: `${status} ${statusText}`.trimEnd() });
    if (length !== undefined) span.set('response_size', Number(length));
    this.#host.propagation.heed(span.trace, header, peer);
  }
}
