import type { Forge } from '@forge/node';
import { createQueryHandler } from '@forge/query';
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

/** Mounts the trace API beside the application's own routes; it reads the raw requests, untouched by the framework's parsers. */
export function mountApi(adapter: AbstractHttpAdapter, forge: Forge, basePath: string): void {
  const handle = toNodeHandler(
    createQueryHandler({
      store: forge.store,
      basePath,
      info: () => forge.describe(),
      ...(forge.config.api.readToken === undefined ? {} : { readToken: forge.config.api.readToken }),
      ...(forge.config.api.writeToken === undefined ? {} : { writeToken: forge.config.api.writeToken }),
    }),
  );
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
