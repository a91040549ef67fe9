/**
 * What every HTTP instrumentation must do in the same way: which part of a URL may be stored, which paths are one
 * resource, which status is an error.
 *
 * @example
 * redactQuery('/pay?card=4242&amount=3'); // '/pay?card=REDACTED&amount=REDACTED'
 *
 * @module
 */
export { ResourceNames } from './http-resource.ts';
export { redactQuery, withoutCredentials } from './http-url.ts';
