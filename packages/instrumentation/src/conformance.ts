/**
 * The suite that every instrumentation passes: its spans and their parents, the application unchanged with tracing on,
 * off and failing in any hook, and everything restored in the end. For vitest.
 *
 * @example
 * describeInstrumentation('redis', {
 *   make: () => redis(),
 *   modules: { ioredis: await import('ioredis') },
 *   open: (kit) => new (kit.module('ioredis') as typeof import('ioredis')).Redis(url),
 *   close: (client) => client.quit(),
 *   patched: (kit) => [(kit.module('ioredis') as typeof import('ioredis')).Redis.prototype],
 *   cases: {
 *     'a command that succeeds': {
 *       run: (client, seen) => client.set('key', 'value').finally(() => seen.caller('after the answer')),
 *       spans: ['db.query SET'],
 *       tags: { 'db.query SET': { operation: 'SET' } },
 *     },
 *     'a command that fails': {
 *       run: (client) => client.lpush('key', 'value'), // not a list
 *       spans: ['db.query LPUSH'],
 *       fails: ['db.query LPUSH'],
 *     },
 *   },
 * });
 *
 * @module
 */
export { type ConformanceCase, type ConformanceSubject, describeInstrumentation } from './conformance-suite.ts';
export type { Kit, Seen } from './conformance-run.ts';
