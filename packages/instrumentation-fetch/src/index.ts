/**
 * Traces `fetch` and undici: each request becomes an `http.client` span and carries the trace context.
 *
 * @example
 * registry.enable([fetch({ ignoreHosts: ['telemetry.example.com'] })]);
 *
 * @module
 */
export type { FetchOptions } from './options.ts';
export { fetch } from './plugin.ts';
