/**
 * The contract between Forge's tracer and a plugin that traces a library.
 *
 * @example
 * export function redis(): Instrumentation {
 *   return {
 *     name: 'redis',
 *     supports: [{ module: 'ioredis', versions: '>=5' }],
 *     enable(host) {
 *       host.onModule('ioredis', (exports) => patch(exports, host));
 *       return () => unpatch();
 *     },
 *   };
 * }
 *
 * @module
 */
export type {
  Instrumentation,
  InstrumentationHost,
  InstrumentationState,
  LoadedModule,
  SupportedModule,
} from './contract.ts';
export {
  activeHost,
  createRegistry,
  installRegistry,
  unsupportedVersion,
  type InstrumentationRegistry,
  type RegistryOptions,
} from './registry.ts';
export { replaceDefault, type ReplacedDefault } from './default-export.ts';
export { replaceNamed, type ReplacedExports } from './named-exports.ts';
export { patchMethod } from './method-patch.ts';
export { runInSpan } from './run-in-span.ts';
