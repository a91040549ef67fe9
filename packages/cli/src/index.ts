/**
 * The `forge` command as a function: for tests, and for programs that offer it under their own name.
 *
 * @example
 * process.exitCode = await runForge(['traces', 'list', '--status', 'error'], host);
 *
 * @module
 */
export type { CommandHost, GlobalOptions, Output, StoreRequest } from './command-host.ts';
export { CliErrors } from './errors.ts';
export { openConfiguredStore, type OpenStore } from './open-store.ts';
export { runForge } from './run.ts';
