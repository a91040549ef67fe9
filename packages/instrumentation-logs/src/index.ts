/**
 * Log lines and traces find each other: lines carry `trace_id` and `span_id`, and those written within a span become its
 * logs, secrets left out.
 *
 * @example
 * const logger = tracePino(pino());
 * await span('charge', async () => {
 *   logger.info({ order: 7 }, 'charging'); // {"trace_id":"..","span_id":"..","order":7,"msg":"charging"}, and in the span's logs
 * });
 *
 * @module
 */
export { logLine, traceFields, type TraceFields } from './line.ts';
export { traceNestLogger } from './nest.ts';
export type { LogsOptions } from './options.ts';
export { tracePino } from './pino.ts';
export { logs } from './plugin.ts';
export { traceWinston } from './winston.ts';
