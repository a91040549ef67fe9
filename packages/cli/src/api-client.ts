import { ForgeError } from '@forge/core';
import { createQueryHandler, type Problem } from '@forge/query';
import type { CommandHost, GlobalOptions, StoreRequest } from './command-host.ts';
import { CliErrors } from './errors.ts';
import type { OpenStore } from './open-store.ts';

/**
 * The API, asked in the same way wherever it is: of a running process (`--url`), or made here over the database of the
 * configuration. So every command answers exactly what the API does.
 */
export interface ApiClient {
  /** The JSON of a GET. Rejects with a ForgeError that names the option that is wrong. */
  get<T>(path: string, parameters?: URLSearchParams): Promise<T>;
  request(path: string, init?: RequestInit): Promise<Response>;
  close(): Promise<void>;
}

const TIMEOUT_MS = 60_000;

export async function connectApi(host: CommandHost, options: GlobalOptions): Promise<ApiClient> {
  if (options.url !== undefined) return remoteApi(options.url, options.token ?? host.env['FORGE_TOKEN'], host.signal);
  const opened = await host.openStore(storeRequest(host, options));
  return localApi(opened);
}

export function storeRequest(host: CommandHost, options: GlobalOptions): StoreRequest {
  return {
    env: host.env,
    cwd: host.cwd,
    configFile: options.config,
    onProgress: (line) => void host.stderr.write(`${line}\n`),
  };
}

function localApi(opened: OpenStore): ApiClient {
  let failure: unknown;
  const handler = createQueryHandler({
    store: opened.store,
    timeoutMs: TIMEOUT_MS,
    maxImportBytes: Infinity,
    onError: (error) => (failure = error),
  });
  return client(async (path, init) => {
    failure = undefined;
    const response = await handler(new Request(`http://localhost/_api${path}`, init));
    // Here the operator is the caller: he is told what failed inside.
    if (failure !== undefined) throw failure;
    return response;
  }, opened.close);
}

function remoteApi(url: string, token: string | undefined, signal: AbortSignal): ApiClient {
  const base = apiBase(url);
  const send = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const headers = new Headers(init.headers);
    if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
    try {
      return await fetch(`${base}${path}`, { signal, ...init, headers });
    } catch (error) {
      const cause = (error as Error).cause;
      const reason = cause instanceof Error && cause.message !== '' ? cause.message : (error as Error).message;
      throw new ForgeError(CliErrors.api, `${base} cannot be reached: ${reason}`, { cause: error, retryable: true });
    }
  };
  return client(send, () => Promise.resolve());
}

/** `http://localhost:8080` or `http://localhost:8080/_api`: the second, without a slash at its end. */
function apiBase(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol))
    throw new ForgeError(
      CliErrors.usage,
      `--url: ${JSON.stringify(url)} is not allowed; allowed: http://HOST:PORT, where a gateway or "forge serve" listens`,
    );
  const path = parsed.pathname.replace(/\/$/, '');
  return `${parsed.origin}${path === '' ? '/_api' : path}`;
}

function client(send: (path: string, init?: RequestInit) => Promise<Response>, close: () => Promise<void>): ApiClient {
  const request = async (path: string, init?: RequestInit): Promise<Response> => {
    const response = await send(path, init);
    if (!response.ok) throw await failureOf(response);
    return response;
  };
  return {
    request,
    get: async <T>(path: string, parameters?: URLSearchParams) => {
      const query = parameters === undefined || parameters.size === 0 ? '' : `?${parameters.toString()}`;
      return (await (await request(path + query)).json()) as T;
    },
    close,
  };
}

async function failureOf(response: Response): Promise<ForgeError> {
  const text = await response.text();
  if (!(response.headers.get('content-type') ?? '').startsWith('application/problem+json'))
    return new ForgeError(CliErrors.api, `the API answered ${response.status}: ${text.slice(0, 200)}`);
  const problem = JSON.parse(text) as Problem;
  if (response.status === 404) return new ForgeError(CliErrors.notFound, problem.detail);
  if (problem.parameter === undefined) return new ForgeError(CliErrors.api, problem.detail);
  const detail = problem.detail.startsWith(problem.parameter)
    ? problem.detail.slice(problem.parameter.length)
    : `: ${problem.detail}`;
  return new ForgeError(CliErrors.usage, optionName(problem.parameter) + detail);
}

/** `min_duration` -> `--min-duration`, `tag.user_id` -> `--tag user_id`; arguments keep their names. */
function optionName(parameter: string): string {
  if (parameter === 'id' || parameter === 'spanId') return parameter;
  return parameter.startsWith('tag.') ? `--tag ${parameter.slice(4)}` : `--${parameter.replaceAll('_', '-')}`;
}
