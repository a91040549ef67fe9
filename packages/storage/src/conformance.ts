/**
 * What every trace store must do, as tests for vitest.
 *
 * @example
 * describeTraceStore('my store', async () => createMyStore());
 *
 * @module
 */
export { describeTraceStore } from './conformance/describe.ts';
