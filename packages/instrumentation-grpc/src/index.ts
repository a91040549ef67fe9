/**
 * Traces @grpc/grpc-js, client and server, all four kinds of calls.
 *
 * @example
 * registry.enable([grpc()]);
 * // or, where the library cannot be reached:
 * new Server({ interceptors: [serverInterceptor()] });
 * new Greeter(address, credentials, { interceptors: [clientInterceptor()] });
 *
 * @module
 */
export { clientInterceptor } from './client.ts';
export { grpc } from './plugin.ts';
export { serverInterceptor } from './server.ts';
