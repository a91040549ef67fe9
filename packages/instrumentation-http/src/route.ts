import { activeContext, attributeOf, Kind, Span, spanOf } from '@forge/core';

/**
 * Names the route of the request that is being served: for frameworks and routers.
 * Sets the tag `route` and the resource `METHOD route` of its `http.request` span; does nothing outside of a request.
 *
 * @param route the pattern, not the path: `/api/orders/:id`
 */
export function setHttpRoute(route: string): void {
  const active = spanOf(activeContext());
  const span = active instanceof Span ? active.trace.root : undefined;
  if (span === undefined || span.kind !== Kind.server || span.name !== 'http.request') return;
  const method = attributeOf(span.attributes, 'method');
  span.set('route', route).setResource(typeof method === 'string' ? `${method} ${route}` : route);
}
