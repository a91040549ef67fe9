/**
 * Traces node:http and node:https, server and client, however they are imported.
 *
 * @example
 * registry.enable([http({ ignorePaths: ['/healthz', '/assets/*'] })]);
 *
 * @module
 */
export { DEFAULT_IGNORED_PATHS, type HttpOptions, type RequestHead } from './options.ts';
export { http } from './plugin.ts';
export { setHttpRoute } from './route.ts';
