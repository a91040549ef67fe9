import { isSpanContextValid, trace } from '@opentelemetry/api';
import { contextWithSpan, Decision, spanOf, type Propagation } from '@forge/core';

/** `traceparent` and `traceresponse` alone: enough to see that a plugin passes on what it is given. */
export const plainPropagation: Propagation = {
  inject(context, set) {
    const span = spanOf(context)?.spanContext();
    if (span !== undefined) set('traceparent', `00-${span.traceId}-${span.spanId}-0${span.traceFlags & 3}`);
  },
  extract(context, get) {
    const [, traceId = '', spanId = '', flags = '0'] = get('traceparent')?.split('-') ?? [];
    const remote = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
    return isSpanContextValid(remote) ? contextWithSpan(context, trace.wrapSpanContext(remote)) : context;
  },
  respond(local, set) {
    if (local.decision === Decision.kept) set('traceresponse', `00-${local.id}-${local.root?.spanId ?? ''}-01`);
  },
  heed(local, get) {
    if (get('traceresponse')?.split('-')[1] === local.id) local.keep('peer');
  },
};
