import type { Propagation } from '@forge/core';
import type { Context } from '@opentelemetry/api';

/**
 * The key under which the trace context travels in a job's data. The application never sees it.
 *
 * A plain object gets it as one more property, so that a worker without tracing still finds its fields in place.
 * Anything else (null, a primitive, an array) travels inside it, as `data`:
 *
 *     { order: 1 }  ->  { order: 1, __forge: { traceparent, dispatchedAtMs } }
 *     [1, 2]        ->  { __forge: { traceparent, dispatchedAtMs, data: [1, 2] } }
 */
const KEY = '__forge';

/** What travels with a job. */
export interface JobCarrier {
  readonly headers: Readonly<Record<string, string>>;
  /** Unix milliseconds of the dispatch, by the dispatcher's clock. */
  readonly dispatchedAtMs: number | undefined;
}

/** `data` with the trace context of `context` in it; `data` itself where there is none to carry. */
export function attachCarrier(data: unknown, context: Context, propagation: Propagation): unknown {
  const carrier = carrierOf(context, propagation);
  if (carrier === undefined) return data;
  if (isPlainObject(data)) return { ...data, [KEY]: carrier };
  // undefined has no place in JSON: left out, it comes back as undefined.
  return { [KEY]: { ...carrier, data, wrapped: true } };
}

/** The data as the application gave it, and what travelled with it. Takes anything. */
export function detachCarrier(data: unknown): { data: unknown; carrier: JobCarrier | undefined } {
  if (!isRecord(data) || !Object.hasOwn(data, KEY)) return { data, carrier: undefined };
  const { [KEY]: found, ...rest } = data;
  const carrier = readCarrier(found);
  if (carrier === undefined) return { data, carrier };
  const { wrapped, data: inner } = found as { wrapped?: unknown; data?: unknown };
  return { data: wrapped === true ? inner : rest, carrier };
}

/** The trace context as a text, for queues that have a place for one; empty where there is none to carry. */
export function carrierToText(context: Context, propagation: Propagation): string {
  const carrier = carrierOf(context, propagation);
  return carrier === undefined ? '' : JSON.stringify(carrier);
}

/** What `carrierToText` made; undefined for any other text. */
export function carrierFromText(text: string): JobCarrier | undefined {
  try {
    return readCarrier(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function carrierOf(context: Context, propagation: Propagation): Record<string, unknown> | undefined {
  const carrier: Record<string, unknown> = {};
  propagation.inject(context, (name, value) => {
    carrier[name] = value;
  });
  if (carrier['traceparent'] === undefined) return undefined;
  carrier['dispatchedAtMs'] = Date.now();
  return carrier;
}

function readCarrier(found: unknown): JobCarrier | undefined {
  if (!isRecord(found) || typeof found['traceparent'] !== 'string') return undefined;
  const headers: Record<string, string> = {};
  for (const name of ['traceparent', 'tracestate', 'baggage']) {
    const value = found[name];
    if (typeof value === 'string') headers[name] = value;
  }
  return {
    headers,
    dispatchedAtMs: typeof found['dispatchedAtMs'] === 'number' ? found['dispatchedAtMs'] : undefined,
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** One that JSON writes as its own properties and nothing else. */
function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (!isRecord(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return (prototype === Object.prototype || prototype === null) && typeof value['toJSON'] !== 'function';
}
