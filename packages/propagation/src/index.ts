/**
 * How a trace passes from one process to the next: W3C Trace Context level 2 at its strictest, W3C Baggage, and
 * `traceresponse` for the way back, with Forge's own `tracestate` member always first.
 *
 * @example
 * const propagation = createPropagation({ trusted: ({ peer }) => peer?.startsWith('grpc://10.') ?? false });
 * const context = propagation.extract(activeContext(), (name) => request.headers[name]);
 * propagation.inject(activeContext(), (name, value) => outgoing.setHeader(name, value));
 *
 * @module
 */
export { createPropagation, type ForgePropagation, type PropagationOptions, type Sender } from './propagation.ts';
