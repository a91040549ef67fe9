/** Every error code of this package: the `code` of a problem document and of a `ForgeError`. */
export const QueryErrors = {
  /** A parameter is unknown, given twice, or its value is not allowed. HTTP 400. */
  invalidParameter: 'FORGE_QUERY_INVALID_PARAMETER',
  /** The request's body is not what the path takes. HTTP 400. */
  invalidBody: 'FORGE_QUERY_INVALID_BODY',
  /** A token is needed and missing or wrong. HTTP 401. */
  unauthorized: 'FORGE_QUERY_UNAUTHORIZED',
  /** The request may not do this from where it comes. HTTP 403. */
  forbidden: 'FORGE_QUERY_FORBIDDEN',
  /** No such path, trace or span. HTTP 404. */
  notFound: 'FORGE_QUERY_NOT_FOUND',
  /** The path is there, the method is not. HTTP 405. */
  methodNotAllowed: 'FORGE_QUERY_METHOD_NOT_ALLOWED',
  /** URL or body over the bound. HTTP 413 or 414. */
  tooLarge: 'FORGE_QUERY_TOO_LARGE',
  /** Something inside failed; the operator's log says what. HTTP 500. */
  internal: 'FORGE_QUERY_INTERNAL',
  /** The store is away; try again. HTTP 503. */
  unavailable: 'FORGE_QUERY_UNAVAILABLE',
  /** The answer took longer than the bound. HTTP 504. */
  timeout: 'FORGE_QUERY_TIMEOUT',
} as const;
