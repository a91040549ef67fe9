/**
 * One HTTP endpoint that batches are posted to: kept-alive connections, gzip, TLS, bounded answers, no tracing.
 * For exporters; the queue in front of them retries.
 *
 * @example
 * const sender = createHttpSender({ url: 'http://zipkin:9411/api/v2/spans', contentType: 'application/json' });
 * const { status } = await sender.post(body, signal);
 *
 * @module
 */
import { withoutTracing } from '@forge/core';
import { Buffer } from 'node:buffer';
import * as http from 'node:http';
import * as https from 'node:https';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { exportError, queueError } from './errors.ts';

const MOST_ANSWER_BYTES = 64 * 1024;
const gzipped = promisify(gzip);

/** PEM texts. */
export interface TlsOptions {
  /** Authorities to trust instead of the system's. */
  readonly ca?: string | Buffer;
  /** The client's own certificate and key, for mutual TLS. */
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
}

export interface HttpSenderOptions {
  /** http or https. User and password in it become basic authorization. */
  readonly url: string;
  readonly contentType: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly compression?: 'gzip' | 'none';
  readonly tls?: TlsOptions;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** Its first 64 KiB. */
  readonly body: Buffer;
}

export interface HttpSender {
  /** Without a password. */
  readonly url: string;
  /** Rejects with a retryable error where no answer comes: a broken connection, an aborted signal. */
  post(body: Uint8Array | string, signal: AbortSignal): Promise<HttpAnswer>;
  close(): void;
}

/** Opens nothing until the first `post`. Throws FORGE_EXPORT_OPTION_INVALID for what is no http or https URL. */
export function createHttpSender(options: HttpSenderOptions): HttpSender {
  const { url, authorization, shown } = parseUrl(options.url);
  const secure = url.protocol === 'https:';
  const agentOptions = { keepAlive: true, maxFreeSockets: 4, ...(secure ? options.tls : {}) };
  const agent = secure ? new https.Agent(agentOptions) : new http.Agent(agentOptions);
  const headers: Record<string, string> = {
    'content-type': options.contentType,
    ...authorization,
    ...lowerCased(options.headers),
  };
  if (options.compression === 'gzip') headers['content-encoding'] = 'gzip';

  async function post(body: Uint8Array | string, signal: AbortSignal): Promise<HttpAnswer> {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    const sent = options.compression === 'gzip' ? await gzipped(bytes) : bytes;
    return new Promise((resolve, reject) => {
      const fail = (why: string, cause?: unknown): void =>
        reject(exportError(`${shown}: ${why}`, { retryable: true, cause }));
      if (signal.aborted) {
        fail('aborted');
        return;
      }
      const request = (secure ? https : http).request(url, {
        method: 'POST',
        agent,
        signal,
        headers: { ...headers, 'content-length': sent.byteLength },
      });
      request.on('error', (error) => fail(signal.aborted ? 'no answer in time' : describe(error), error));
      request.on('response', (response) => {
        collect(response).then(
          (answer) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: answer }),
          (error: unknown) => fail('the answer breaks off', error),
        );
      });
      request.end(sent);
    });
  }

  return {
    url: shown,
    post: (body, signal) => withoutTracing(() => post(body, signal)),
    close: () => agent.destroy(),
  };
}

/** An answer that is no success, as the error to reject with: retryable for what may pass by itself. */
export function answerError(sender: HttpSender, { status, headers, body }: HttpAnswer, retryable: boolean): Error {
  const text = body.toString('utf8').trim().slice(0, 200);
  const redirect =
    status >= 300 && status < 400 ? ` to ${headers.location ?? 'nowhere'}: name that address instead` : '';
  const retryAfterMs = retryAfterOf(headers['retry-after']);
  return exportError(`${sender.url} answered ${status}${redirect}${text === '' ? '' : `: ${text}`}`, {
    retryable,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** `Retry-After`, seconds or a date, in milliseconds from now. */
function retryAfterOf(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return ms > 0 ? ms : undefined;
}

function parseUrl(text: string): { url: URL; authorization: Record<string, string>; shown: string } {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw queueError('FORGE_EXPORT_OPTION_INVALID', `"${text}" is no http or https URL`);
  const { username, password } = url;
  url.username = '';
  url.password = '';
  if (username === '') return { url, authorization: {}, shown: url.href };
  const basic = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64');
  return { url, authorization: { authorization: `Basic ${basic}` }, shown: url.href };
}

function lowerCased(headers: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

async function collect(response: http.IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    if (length < MOST_ANSWER_BYTES) chunks.push(chunk);
    length += chunk.length;
  }
  return Buffer.concat(chunks).subarray(0, MOST_ANSWER_BYTES);
}

/** A refused connection to a name with several addresses comes as an AggregateError without a message. */
function describe(error: NodeJS.ErrnoException): string {
  return error.message || error.code || 'the connection failed';
}
