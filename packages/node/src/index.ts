/**
 * Forge Tracing for a Node process: one call, or `node --import @forge/node/register app.js`, and its requests, queries,
 * calls and jobs are traced into PostgreSQL.
 *
 * @example
 * import { startForge } from '@forge/node';
 *
 * const forge = startForge({ serviceName: 'shop' });
 * const { serve } = await import('./server.js'); // what is loaded from here on is traced
 *
 * @module
 */
export { withoutTracing } from '@forge/core';
export { startForge, type Forge, type ForgeDescription, type ForgeOptions } from './start.ts';
