import { ForgeError } from '@forge/core';
import { QueryErrors } from './errors.ts';

/** An error as RFC 9457 writes it (`application/problem+json`), with what is needed to mend the request. */
export interface Problem {
  readonly type: 'about:blank';
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** One of `QueryErrors`. */
  readonly code: string;
  /** The parameter that is wrong, its value (cut to 200 characters), and what it may be. */
  readonly parameter?: string;
  readonly value?: string;
  readonly allowed?: string;
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  413: 'Content Too Large',
  414: 'URI Too Long',
  415: 'Unsupported Media Type',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

/** Ends a request with a problem document. */
export class ProblemError extends ForgeError {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly #about: { readonly parameter?: string; readonly value?: string; readonly allowed?: string };

  constructor(
    status: number,
    code: string,
    detail: string,
    about: { parameter?: string; value?: string; allowed?: string } = {},
    headers: Record<string, string> = {},
  ) {
    super(code, detail);
    this.status = status;
    this.headers = headers;
    this.#about = about;
  }

  get problem(): Problem {
    return {
      type: 'about:blank',
      title: TITLES[this.status] ?? 'Error',
      status: this.status,
      detail: this.message,
      code: this.code,
      ...this.#about,
    };
  }
}

/** A 400 that names the parameter, what was given, and what is allowed. */
export function invalidParameter(parameter: string, value: string, allowed: string): ProblemError {
  const shown = shorten(value);
  const detail = `${shorten(parameter)}: ${JSON.stringify(shown)} is not allowed; allowed: ${allowed}`;
  return new ProblemError(400, QueryErrors.invalidParameter, detail, { parameter, value: shown, allowed });
}

/** A 400 for a parameter that this path cannot do without. */
export function missingParameter(parameter: string, allowed: string): ProblemError {
  const detail = `${parameter} is missing; allowed: ${allowed}`;
  return new ProblemError(400, QueryErrors.invalidParameter, detail, { parameter, value: '', allowed });
}

/** A 400 for a parameter that this path does not know. */
export function unknownParameter(parameter: string, value: string, known: readonly string[]): ProblemError {
  const allowed = known.length === 0 ? 'no parameters' : known.join(', ');
  const detail = `unknown parameter ${JSON.stringify(shorten(parameter))}; allowed: ${allowed}`;
  return new ProblemError(400, QueryErrors.invalidParameter, detail, {
    parameter: shorten(parameter),
    value: shorten(value),
    allowed,
  });
}

function shorten(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
