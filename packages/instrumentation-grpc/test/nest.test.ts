import 'reflect-metadata';
import * as grpcJs from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { ClientGrpcProxy, GrpcMethodStreamingType, ServerGrpc } from '@nestjs/microservices';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { firstValueFrom, from, lastValueFrom, toArray, type Observable } from 'rxjs';
import { expect, it, onTestFinished } from 'vitest';
import { activeContext, contextWithSpan, runInContext, type Span, spanOf } from '@forge/core';
import { createRegistry } from '@forge/instrumentation';
import { createPropagation } from '@forge/propagation';
import { createRecorder } from '@forge/testing';
import { grpc } from '../src/index.ts';

interface Orders {
  create(order: { id: string }): Observable<{ id: string }>;
  list(order: { id: string }): Observable<{ id: string }>;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

it("traces NestJS's own gRPC server and client, which load the library for themselves", async () => {
  const recorder = createRecorder();
  const registry = createRegistry({
    provider: recorder.provider,
    propagation: createPropagation(),
    diagnostics: recorder.diagnostics,
    onModule: (name, patch) => {
      patch(grpcJs, { name, version: undefined, kind: 'cjs' });
      return () => undefined;
    },
  });
  registry.enable([grpc()]);
  onTestFinished(() => registry.disable());

  const options = {
    package: 'shop',
    packageDefinition: loadSync(fileURLToPath(new URL('orders.proto', import.meta.url))),
    url: `127.0.0.1:${await freePort()}`,
  };
  const server = new ServerGrpc(options);
  const seen: string[] = [];
  const handler =
    (answer: (order: { id: string }) => unknown) =>
    async (order: { id: string }): Promise<unknown> => {
      await new Promise((resolve) => setImmediate(resolve));
      seen.push((spanOf(activeContext()) as Span).name);
      return answer(order);
    };
  server.addHandler(
    server.createPattern('Orders', 'Create', GrpcMethodStreamingType.NO_STREAMING),
    handler((order) => order) as Parameters<typeof server.addHandler>[1],
  );
  server.addHandler(
    server.createPattern('Orders', 'List', GrpcMethodStreamingType.NO_STREAMING),
    handler((order) => from([order, order])) as Parameters<typeof server.addHandler>[1],
  );
  await new Promise<void>((resolve, reject) => {
    void server.listen((error?: unknown) => (error === undefined ? resolve() : reject(error)));
  });
  const client = new ClientGrpcProxy(options);
  onTestFinished(async () => {
    client.close();
    await server.close();
  });
  const orders = client.getService<Orders>('Orders');

  const caller = recorder.provider.getTracer('test').start('http.request');
  await runInContext(contextWithSpan(activeContext(), caller), async () => {
    expect(await firstValueFrom(orders.create({ id: '17' }))).toEqual({ id: '17' });
    expect(await lastValueFrom(orders.list({ id: '18' }).pipe(toArray()))).toHaveLength(2);
  });
  caller.end();
  await recorder.ended(5);
  expect(seen).toEqual(['grpc.call', 'grpc.call']);
  expect(recorder.tree()).toEqual([
    'http.request',
    '  grpc.call shop.Orders/Create',
    '    grpc.call shop.Orders/Create',
    '  grpc.call shop.Orders/List',
    '    grpc.call shop.Orders/List',
  ]);
});
