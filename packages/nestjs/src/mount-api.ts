import { createDashboardHandler } from '@forge/dashboard';
import type { Forge } from '@forge/node';
import { createQueryHandler, type QueryHandler } from '@forge/query';
import { toNodeHandler } from '@forge/query/node';
import type { AbstractHttpAdapter } from '@nestjs/core';
import type { IncomingMessage, ServerResponse } from 'node:http';

interface FastifyLike {
  register(plugin: (scope: FastifyScope) => Promise<void>): void;
}

interface FastifyScope {
  removeAllContentTypeParsers(): void;
  addContentTypeParser(
    type: string,
    parser: (request: unknown, body: unknown, done: (error: null, body: unknown) => void) => void,
  ): void;
  all(
    path: string,
    handler: (request: { raw: IncomingMessage }, reply: { hijack(): void; raw: ServerResponse }) => Promise<void>,
  ): void;
}

interface ExpressLike {
  use(
    path: string,
    handler: (request: IncomingMessage & { originalUrl?: string }, response: ServerResponse) => void,
  ): void;
}

/**
 * Mounts the trace API beside the application's own routes, and the viewer below it (`/_api/viewer/`). Both read the raw
 * requests, untouched by the framework's parsers.
 */
export function mountApi(adapter: AbstractHttpAdapter, forge: Forge, basePath: string): void {
  const handle = toNodeHandler(apiWithViewer(forge, basePath));
  if (adapter.getType() === 'fastify') {
    adapter.getInstance<FastifyLike>().register(async (scope) => {
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser('*', (_request, body, done) => done(null, body));
      scope.all(`${basePath}/*`, async (request, reply) => {
        reply.hijack();
        await handle(request.raw, reply.raw);
      });
    });
    return;
  }
  adapter.getInstance<ExpressLike>().use(basePath, (request, response) => {
    // Express cuts the mount path off; the handler wants to see it.
    request.url = request.originalUrl ?? request.url;
    void handle(request, response);
  });
}

function apiWithViewer(forge: Forge, basePath: string): QueryHandler {
  const { readToken, writeToken } = forge.config.api;
  const api = createQueryHandler({
    store: forge.store,
    basePath,
    info: () => forge.describe(),
    ...(readToken === undefined ? {} : { readToken }),
    ...(writeToken === undefined ? {} : { writeToken }),
  });
  const viewerPath = `${basePath}/viewer`;
  const viewer = createDashboardHandler({ basePath: viewerPath, apiPath: basePath });
  return async (request, peer) => {
    const { pathname } = new URL(request.url);
    // The viewer's files are no secret; what it shows it asks of the API, with a token where one is needed.
    return pathname === viewerPath || pathname.startsWith(`${viewerPath}/`) ? viewer(request) : api(request, peer);
  };
}
