/**
 * The trace viewer: static files that were built into this package, and a web `Request` to `Response` handler that
 * serves them beside the REST API of `@forge/query`.
 *
 * @example
 * const dashboard = createDashboardHandler({ basePath: '/traces', apiPath: '/_api' });
 * const response = await dashboard(new Request('http://localhost/traces/'));
 *
 * @module
 */
export { DashboardErrors } from './errors.ts';
export { createDashboardHandler, type DashboardHandler, type DashboardOptions } from './handler.ts';
export { dashboardDir } from './static-files.ts';
