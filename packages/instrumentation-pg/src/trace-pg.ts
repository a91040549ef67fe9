import { activeHost, patchMethod } from '@forge/instrumentation';
import { tracedClientQuery, tracedPoolConnect, tracedPoolQuery, type FindHost } from './traced-methods.ts';

const traced = new WeakSet<object>();

/** Whether it is traced by `tracePg`, and not to be traced by its class a second time. */
export function isTracedInstance(object: object): boolean {
  return traced.has(object);
}

/**
 * Traces one pool, with the clients it hands out, or one client: for bundled applications and for pg's native clients.
 * Changes the object in place and returns it. Does nothing while no tracer with the `pg()` plugin runs.
 */
export function tracePg<P extends object>(poolOrClient: P): P {
  const findHost: FindHost = () => activeHost('pg');
  if (traced.has(poolOrClient)) return poolOrClient;
  traced.add(poolOrClient);
  if (isPool(poolOrClient)) {
    patchMethod(poolOrClient, 'connect', (original) =>
      tracedPoolConnect(original, findHost, (client) => void tracePg(client)),
    );
    patchMethod(poolOrClient, 'query', (original) => tracedPoolQuery(original, findHost));
  } else patchMethod(poolOrClient, 'query', (original) => tracedClientQuery(original, findHost));
  return poolOrClient;
}

function isPool(object: object): boolean {
  return typeof Reflect.get(object, 'waitingCount') === 'number';
}
