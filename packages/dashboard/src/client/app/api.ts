import { signal } from '@preact/signals';

/** An answer that is not the one asked for: problem+json of the API, or no answer at all (`status` 0). */
export class ApiError extends Error {
  readonly status: number;
  readonly parameter: string | undefined;

  constructor(status: number, message: string, parameter?: string) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.parameter = parameter;
  }
}

const meta = document.querySelector<HTMLMetaElement>('meta[name="forge-api"]');
export const apiPath: string = meta?.content ?? '/_api';

const TOKEN_KEY = 'forge-token';
const token = signal<string | undefined>(sessionStorage.getItem(TOKEN_KEY) ?? undefined);

/** Whether the API refused for want of a token; the shell asks for one. */
export const tokenWanted = signal(false);

/** Kept for this tab only. */
export function setToken(text: string): void {
  token.value = text;
  sessionStorage.setItem(TOKEN_KEY, text);
  tokenWanted.value = false;
}

/** The API refused: whatever token was given is of no use. */
export function wantToken(): void {
  sessionStorage.removeItem(TOKEN_KEY);
  token.value = undefined;
  tokenWanted.value = true;
}

export function apiHeaders(): Record<string, string> {
  return token.value === undefined ? {} : { authorization: `Bearer ${token.value}` };
}

/** Absolute, so that a worker may use it. */
export function apiUrl(path: string, params?: URLSearchParams | Readonly<Record<string, string>>): string {
  const query = params === undefined ? '' : new URLSearchParams(params).toString();
  return `${location.origin}${apiPath}${path}${query === '' ? '' : `?${query}`}`;
}

/** @throws ApiError; AbortError when `signal` aborts */
export async function getJson<T>(url: string, signal?: AbortSignal): Promise<T> {
  let response: Response;
  try {
    response = await fetch(url, { headers: apiHeaders(), ...(signal === undefined ? {} : { signal }) });
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw new ApiError(0, 'The server does not answer.');
  }
  if (!response.ok) throw await errorOf(response);
  return (await response.json()) as T;
}

/** Reads problem+json; anything else is named by its status. */
export async function errorOf(response: Response): Promise<ApiError> {
  if (response.status === 401) wantToken();
  const problem = (await response.json().catch(() => undefined)) as { detail?: string; parameter?: string } | undefined;
  return new ApiError(
    response.status,
    problem?.detail ?? `The server answered ${response.status}.`,
    problem?.parameter,
  );
}
