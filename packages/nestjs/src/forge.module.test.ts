import 'reflect-metadata';
import { Diagnostics } from '@forge/core';
import { createRegistry, installRegistry } from '@forge/instrumentation';
import { http } from '@forge/instrumentation-http';
import type { Forge } from '@forge/node';
import { createMemoryStore } from '@forge/storage';
import { createRecorder } from '@forge/testing';
import {
  Controller,
  Get,
  Module,
  NotFoundException,
  Param,
  UseGuards,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FORGE, ForgeModule } from './index.ts';

const recorder = createRecorder();
const store = createMemoryStore();
const ends: string[] = [];
const forge = {
  store,
  config: { api: {} },
  describe: () => ({ service: 'test' }),
  shutdown: async () => void ends.push('forge'),
} as unknown as Forge;

const closed = { canActivate: () => false };

@Controller('/api/orders')
class OrdersController {
  @Get(':id')
  get(@Param('id') id: string): { id: string } {
    if (id === '404') throw new NotFoundException();
    return { id };
  }

  @Get(':id/secret')
  @UseGuards(closed)
  secret(): void {}
}

class Ends implements OnApplicationShutdown {
  onApplicationShutdown(): void {
    ends.push('application');
  }
}

@Module({ imports: [ForgeModule.forRoot({ forge })], controllers: [OrdersController], providers: [Ends] })
class AppModule {}

let app: NestFastifyApplication;
let url: string;
let disable: () => void;

beforeEach(async () => {
  const registry = createRegistry({
    provider: recorder.provider,
    propagation: {
      inject: () => undefined,
      extract: (context) => context,
      respond: () => undefined,
      heed: () => undefined,
    },
    diagnostics: new Diagnostics(() => undefined),
  });
  const uninstall = installRegistry(registry);
  registry.enable([http({ client: false })]);
  disable = () => {
    registry.disable();
    uninstall();
  };
  const testing = await Test.createTestingModule({ imports: [AppModule] }).compile();
  app = testing.createNestApplication<NestFastifyApplication>(new FastifyAdapter(), { logger: false });
  await app.listen(0, '127.0.0.1');
  url = await app.getUrl();
});

afterEach(async () => {
  await app.close();
  disable();
  recorder.clear();
  ends.length = 0;
});

async function status(path: string): Promise<number> {
  const answered = recorder.ended(recorder.spans.length + 1);
  const answer = await fetch(url + path);
  await answer.text();
  await answered;
  return answer.status;
}

describe('ForgeModule', () => {
  it.each([
    ['a handler that answers', '/api/orders/7', 200, 'GET /api/orders/:id'],
    ['a handler that throws', '/api/orders/404', 404, 'GET /api/orders/:id'],
    ['a guard that refuses', '/api/orders/7/secret', 403, 'GET /api/orders/:id/secret'],
  ])('names the route of %s', async (_, path, code, resource) => {
    expect(await status(path)).toBe(code);
    expect(recorder.only('http.request').resource).toBe(resource);
  });

  it('serves the trace API beside the routes of the application, untraced', async () => {
    const answer = await fetch(`${url}/_api/traces?limit=1`);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ traces: [] });
    expect(recorder.spans).toEqual([]);
  });

  it('offers the running tracer by injection', () => {
    expect(app.get(FORGE)).toBe(forge);
  });

  it('drains after the modules of the application have ended', async () => {
    await app.close();
    expect(ends).toEqual(['application', 'forge']);
  });
});
