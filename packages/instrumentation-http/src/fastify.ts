import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { activeContext, Kind, Span, spanOf } from '@forge/core';
import type { InstrumentationHost } from '@forge/instrumentation';
import { setHttpRoute } from './route.ts';

type Done = () => void;

interface FastifyInstance {
  addHook(
    name: 'onRequest',
    hook: (request: { readonly routeOptions?: { readonly url?: string } }, reply: unknown, done: Done) => void,
  ): void;
  addHook(
    name: 'onError',
    hook: (request: unknown, reply: unknown, error: { readonly statusCode?: number }, done: Done) => void,
  ): void;
}

const CHANNEL = 'fastify.initialization';

/**
 * Lets every Fastify instance that is made from now on name its routes and its errors: it announces itself on a
 * diagnostics channel, and knows the route before any code of the application runs.
 */
export function nameFastifyRoutes(host: InstrumentationHost): () => void {
  function guard(hook: string, done: Done, work: () => void): void {
    if (host.active) {
      try {
        work();
      } catch (error) {
        host.fail(hook, error);
      }
    }
    done();
  }

  function watch(message: unknown): void {
    const { fastify } = message as { fastify: FastifyInstance };
    try {
      fastify.addHook('onRequest', (request, _, done) =>
        guard('fastify route', done, () => {
          const route = request.routeOptions?.url;
          if (route !== undefined) setHttpRoute(route);
        }),
      );
      fastify.addHook('onError', (_, __, error, done) =>
        guard('fastify error', done, () => {
          // A refusal is an answer, not a failure.
          if ((error.statusCode ?? 500) >= 500) requestSpan()?.fail(error);
        }),
      );
    } catch (error) {
      host.fail(CHANNEL, error);
    }
  }

  subscribe(CHANNEL, watch);
  return () => void unsubscribe(CHANNEL, watch);
}

function requestSpan(): Span | undefined {
  const active = spanOf(activeContext());
  const root = active instanceof Span ? active.trace.root : undefined;
  return root?.kind === Kind.server ? root : undefined;
}
