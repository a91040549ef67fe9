import { setHttpRoute } from '@forge/instrumentation-http';
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import type { AbstractHttpAdapter } from '@nestjs/core';
import type { Observable } from 'rxjs';

interface FastifyLike {
  addHook(
    name: 'onRequest',
    hook: (request: { routeOptions?: { url?: string } }, reply: unknown, done: () => void) => void,
  ): void;
}

/** Fastify knows the route before anything of the application runs, guards included. */
export function nameFastifyRoutes(adapter: AbstractHttpAdapter): void {
  const fastify = adapter.getInstance<FastifyLike>();
  fastify.addHook('onRequest', (request, _reply, done) => {
    const route = request.routeOptions?.url;
    if (route !== undefined) setHttpRoute(route);
    done();
  });
}

/** Express knows the route once its handler is reached. */
export class RouteInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (context.getType() === 'http') {
      const request = context.switchToHttp().getRequest<{ route?: { path?: unknown } } | undefined>();
      const path = request?.route?.path;
      if (typeof path === 'string') setHttpRoute(path);
    }
    return next.handle();
  }
}
