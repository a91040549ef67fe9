import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { makeSpan } from '@forge/testing';
import { storeOf } from '../test/store-of.ts';
import { createQueryHandler, type QueryHandler } from './handler.ts';
import { toNodeHandler } from './node.ts';

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
});

async function serve(handler: QueryHandler): Promise<number> {
  const handle = toNodeHandler(handler);
  const server = createServer((incoming, outgoing) => void handle(incoming, outgoing));
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

it('serves the API over node:http', async () => {
  const span = makeSpan();
  const port = await serve(createQueryHandler({ store: await storeOf([span]) }));
  const response = await fetch(`http://127.0.0.1:${port}/_api/traces/${span.traceId}`);
  expect(response.status).toBe(200);
  expect(response.headers.get('cache-control')).toBe('no-store');
  expect(response.headers.get('connection')).toBe('keep-alive');
  expect(await response.json()).toMatchObject({ trace_id: span.traceId });
});

it('passes method, path, headers, body and the address of the caller on, and the answer back', async () => {
  let seen: unknown;
  const port = await serve(async (request, peer) => {
    seen = [
      request.method,
      new URL(request.url).pathname,
      request.headers.get('x-a'),
      await request.text(),
      peer?.address,
    ];
    return new Response('made', { status: 201, headers: { 'x-b': 'c' } });
  });
  const response = await fetch(`http://127.0.0.1:${port}//evil/path`, {
    method: 'POST',
    headers: { 'x-a': 'b' },
    body: 'hello',
  });
  expect(seen).toEqual(['POST', '//evil/path', 'b', 'hello', '127.0.0.1']);
  expect([response.status, response.headers.get('x-b'), await response.text()]).toEqual([201, 'c', 'made']);
});

it('streams at the reader’s pace: what is not read is not made', async () => {
  let made = 0;
  const port = await serve(() => {
    const body = new ReadableStream({
      pull(controller) {
        if (++made > 100) controller.close();
        else controller.enqueue(new Uint8Array(1_000_000));
      },
    });
    return Promise.resolve(new Response(body));
  });
  const response = await new Promise<IncomingMessage>((resolve) => {
    httpRequest({ host: '127.0.0.1', port }, resolve).end();
  });
  const [first] = (await once(response, 'data')) as [Buffer];
  response.pause();
  const madeUntilPause = await settled(() => made);
  expect(madeUntilPause).toBeLessThan(50);
  let bytes = first.length;
  response.on('data', (chunk: Buffer) => (bytes += chunk.length));
  response.resume();
  await once(response, 'end');
  expect(bytes).toBe(100_000_000);
});

it('aborts the request and cancels the body when the client leaves', async () => {
  const aborted = deferred();
  const cancelled = deferred();
  const port = await serve((request) => {
    request.signal.addEventListener('abort', () => aborted.resolve());
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(new Uint8Array(1)),
      cancel: () => cancelled.resolve(),
    });
    return Promise.resolve(new Response(body));
  });
  const response = await new Promise<IncomingMessage>((resolve) => {
    httpRequest({ host: '127.0.0.1', port }, resolve).end();
  });
  response.on('error', () => undefined);
  await once(response, 'data');
  response.destroy();
  await expect(aborted.promise).resolves.toBeUndefined();
  await expect(cancelled.promise).resolves.toBeUndefined();
});

it('answers before a body that it does not want has come, and does not wait for its end', async () => {
  const port = await serve(() => Promise.resolve(new Response('no', { status: 401 })));
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  const closed = once(socket, 'close');
  socket.write('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\nthe first bytes');
  const [head] = (await once(socket, 'data')) as [Buffer];
  expect(head.toString()).toMatch(/^HTTP\/1\.1 401 [^]*connection: close/i);
  await closed;
});

it('answers 400 to a request that fetch’s rules refuse', async () => {
  const port = await serve(() => Promise.resolve(new Response('fine')));
  const socket = connect(port, '127.0.0.1');
  socket.write('TRACE / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  const [head] = (await once(socket, 'data')) as [Buffer];
  expect(head.toString()).toMatch(/^HTTP\/1\.1 400 /);
});

it('breaks the connection when the body fails after the head is out', async () => {
  const headSeen = deferred();
  const port = await serve(() => {
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(new Uint8Array(1)),
      pull: (controller) => headSeen.promise.then(() => controller.error(new Error('gone'))),
    });
    return Promise.resolve(new Response(body));
  });
  const response = await fetch(`http://127.0.0.1:${port}/`);
  headSeen.resolve();
  await expect(response.arrayBuffer()).rejects.toThrow('terminated');
});

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve!: () => void;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}

/** The value once it no longer changes over a hundred turns of the loop. */
async function settled(read: () => number): Promise<number> {
  for (let last = -1, turns = 0; turns < 100; turns++) {
    if (read() !== last) turns = 0;
    last = read();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return read();
}
