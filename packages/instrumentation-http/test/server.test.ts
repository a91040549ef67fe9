import http from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import express from 'express';
import fastify from 'fastify';
import { WebSocket, WebSocketServer } from 'ws';
import { describe, expect, it, onTestFinished } from 'vitest';
import { activeContext, contextWithSpan, runInContext, type Span, spanOf, Status } from '@forge/core';
import { setHttpRoute } from '../src/index.ts';
import { ask, listen, sendRaw, served, startTracing } from './tracing.ts';

const activeSpan = (): Span => spanOf(activeContext()) as Span;

describe('a served request', () => {
  it("continues its caller's trace, and only that of a valid traceparent", async () => {
    const { recorder } = startTracing({ client: false });
    const port = await listen(http.createServer((_, response) => response.end()));
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await ask(port, '/', { headers: { traceparent } });
    await ask(port, '/', { headers: { traceparent: [traceparent, traceparent] } });
    await recorder.ended(2);
    const [good, doubled] = served(recorder);
    expect([good.traceId, good.parentSpanId]).toEqual(['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331']);
    expect(doubled.traceId).not.toBe(good.traceId);
    expect(doubled.parentSpanId).toBeUndefined();
  });

  it('is no child of the span in which its server was started', async () => {
    const { recorder } = startTracing({ client: false });
    const start = recorder.provider.getTracer('test').start('bootstrap');
    const port = await runInContext(contextWithSpan(activeContext(), start), () =>
      listen(http.createServer((_, response) => response.end())),
    );
    await ask(port, '/');
    await recorder.ended(1);
    expect(recorder.only('http.request').parentSpanId).toBeUndefined();
  });

  it('shows no secret of its headers, its URL or its answer', async () => {
    const { recorder } = startTracing();
    const port = await listen(
      http.createServer((_, response) => {
        response.setHeader('set-cookie', 'session=PLANTED-1');
        response.end('PLANTED-2');
      }),
    );
    const headers = { authorization: 'Bearer PLANTED-3', cookie: 'id=PLANTED-4', 'x-api-key': 'PLANTED-5' };
    await ask(
      port,
      '/pay?card=PLANTED-6&PLANTED-7#PLANTED-8',
      { method: 'POST', headers, auth: 'u:PLANTED-9' },
      'PLANTED-0',
    );
    await recorder.ended(2);
    const all = JSON.stringify(
      recorder.spans.map((span) => [span.resource, span.attributes, span.events, span.statusMessage]),
    );
    expect(all).not.toContain('PLANTED');
    expect(recorder.tags(recorder.only('http.request'))['url']).toBe(
      `http://127.0.0.1:${port}/pay?card=REDACTED&REDACTED`,
    );
  });

  it('drops or keeps the query, and redacts further, as it is told', async () => {
    const dropping = startTracing({
      client: false,
      query: 'drop',
      redactUrl: (url) => url.replace(/token-\w+/, '***'),
    });
    const port = await listen(http.createServer((_, response) => response.end()));
    await ask(port, '/reset/token-abc?x=1');
    await dropping.recorder.ended(1);
    dropping.registry.disable();
    const keeping = startTracing({ client: false, query: 'keep' });
    await ask(port, '/list?x=1');
    await keeping.recorder.ended(1);
    const tags = (recorder: typeof keeping.recorder): unknown[] => {
      const { path, url } = recorder.tags(recorder.only('http.request'));
      return [path, url];
    };
    expect(tags(dropping.recorder)).toEqual(['/reset/***', `http://127.0.0.1:${port}/reset/***`]);
    expect(dropping.recorder.only('http.request').resource).toBe('GET /reset/***');
    expect(tags(keeping.recorder)).toEqual(['/list', `http://127.0.0.1:${port}/list?x=1`]);
  });

  it('is left out with all that happens within it where its path is ignored', async () => {
    const { recorder } = startTracing({ client: false, ignoreRequest: ({ method }) => method === 'OPTIONS' });
    const port = await listen(
      http.createServer((_, response) => {
        recorder.provider.getTracer('db').start('db.query').end();
        response.end();
      }),
    );
    for (const path of ['/healthz', '/healthz?full=1', '/metrics', '/health/db', '/_api', '/_api/traces/1'])
      await ask(port, path);
    await ask(port, '/orders', { method: 'OPTIONS' });
    await ask(port, '/_apitest');
    await recorder.ended(2);
    expect(recorder.tree()).toEqual(['http.request GET /_apitest', '  db.query']);
  });

  it('counts what it takes and gives, where that is announced', async () => {
    const { recorder } = startTracing({ client: false });
    const port = await listen(
      http.createServer((request, response) => {
        request.resume();
        if (request.url === '/stream') response.write('piece');
        response.end('12345');
      }),
    );
    await ask(port, '/sized', { method: 'POST', headers: { 'content-length': '3' } }, 'abc');
    await ask(port, '/stream');
    await ask(port, '/head', { method: 'HEAD' });
    await recorder.ended(3);
    const sizes = served(recorder).map((span) => {
      const { request_size: taken, response_size: given } = recorder.tags(span);
      return [taken, given];
    });
    expect(sizes).toEqual([
      [3, 5],
      [undefined, undefined],
      [undefined, undefined],
    ]);
  });

  it('is an error from 500 on, and keeps the error that its listener threw', async () => {
    const { recorder } = startTracing({ client: false });
    const server = http.createServer((request, response) => {
      if (request.url === '/throw') {
        response.statusCode = 500;
        response.end();
        throw new TypeError('no such order');
      }
      response.statusCode = Number(request.url?.slice(1));
      response.end();
    });
    // As `uncaughtException` would, for this test.
    const emit = server.emit.bind(server);
    server.emit = ((event: string, ...args: unknown[]) => {
      try {
        return emit(event, ...args);
      } catch {
        return true;
      }
    }) as typeof server.emit;
    const port = await listen(server);
    for (const path of ['/200', '/404', '/499', '/500', '/throw']) await ask(port, path);
    await recorder.ended(5);
    const spans = served(recorder);
    expect(spans.map((span) => [span.status, span.statusMessage])).toEqual([
      [Status.unset, undefined],
      [Status.unset, undefined],
      [Status.unset, undefined],
      [Status.error, '500 Internal Server Error'],
      [Status.error, 'no such order'],
    ]);
    expect(spans[4].events.map((event) => event.name)).toEqual(['exception']);
  });

  it('says so when its caller went away, and when it timed out', async () => {
    const { recorder } = startTracing({ client: false });
    const server = http.createServer((request) => void request.socket.setTimeout(20));
    const port = await listen(server);
    const timedOut = connect(port, '127.0.0.1');
    timedOut.on('error', () => undefined).write('GET /slow HTTP/1.1\r\nHost: shop.test\r\n\r\n');
    await once(timedOut, 'close');
    await recorder.ended(1);
    expect(recorder.tags(recorder.spans[0])).toMatchObject({ aborted: true, timeout: true });
    expect(recorder.tags(recorder.spans[0])).not.toHaveProperty('status');
    expect(recorder.spans[0].status).toBe(Status.unset);
  });

  it('says so when its body did not come in time', async () => {
    const { recorder } = startTracing({ client: false });
    const server = http.createServer(
      { requestTimeout: 30, headersTimeout: 30, connectionsCheckingInterval: 5 },
      (request) => request.resume(),
    );
    const port = await listen(server);
    const answer = await sendRaw(port, 'POST /upload HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 10\r\n\r\n123');
    expect(answer).toContain('408 Request Timeout');
    await recorder.ended(1);
    expect(recorder.tags(recorder.only('http.request'))).toMatchObject({ aborted: true, timeout: true });
  });

  it('keeps to itself on a connection with several requests under way', async () => {
    const { recorder } = startTracing({ client: false });
    const port = await listen(
      http.createServer((request, response) => {
        const span = activeSpan();
        // The first is answered last; Node sends the answers in order.
        setTimeout(() => response.end(String(activeSpan() === span)), request.url === '/a' ? 15 : 1);
      }),
    );
    const one = (path: string, last = ''): string => `GET ${path} HTTP/1.1\r\nHost: shop.test\r\n${last}\r\n`;
    const answer = await sendRaw(port, one('/a') + one('/b') + one('/c', 'Connection: close\r\n'));
    expect(answer.match(/true/g)).toHaveLength(3);
    await recorder.ended(3);
    expect(new Set(recorder.spans.map((span) => span.traceId)).size).toBe(3);
    expect(recorder.spans.map((span) => span.resource)).toEqual(['GET /a', 'GET /b', 'GET /c']);
  });

  it('is one span where the way goes on from checkContinue, and where Node itself continues', async () => {
    const { recorder } = startTracing({ client: false });
    const plain = http.createServer((request, response) => request.pipe(response));
    const asking = http.createServer((request, response) => request.pipe(response));
    asking.on('checkContinue', (request, response) => {
      response.writeContinue();
      asking.emit('request', request, response);
    });
    for (const server of [plain, asking]) {
      const port = await listen(server);
      const { body } = await ask(port, '/', { method: 'POST', headers: { expect: '100-continue' } }, 'order');
      expect(body).toBe('order');
    }
    await recorder.ended(2);
    expect(recorder.tree()).toEqual(['http.request POST /', 'http.request POST /']);
  });

  it('is not slow where it streams events for as long as somebody listens', async () => {
    const { recorder } = startTracing({ client: false });
    const exempt: unknown[] = [];
    const port = await listen(
      http.createServer((request, response) => {
        const type = 'text/event-stream; charset=utf-8';
        if (request.url === '/set') response.setHeader('Content-Type', type);
        if (request.url === '/head') response.writeHead(200, { 'Content-Type': type });
        if (request.url === '/list') response.writeHead(200, 'OK', ['Content-Type', type]);
        if (request.url === '/json') response.writeHead(200, { 'Content-Type': 'application/json' });
        response.flushHeaders();
        exempt.push(activeSpan().trace.slowExempt);
        response.end();
      }),
    );
    for (const path of ['/set', '/head', '/list', '/json', '/none']) await ask(port, path);
    await recorder.ended(5);
    expect(exempt).toEqual([true, true, true, false, false]);
  });

  it('lasts as long as the WebSocket that it becomes, and is never slow for that', async () => {
    const { recorder } = startTracing({ client: false });
    const server = http.createServer();
    const sockets = new WebSocketServer({ server });
    const exempt: unknown[] = [];
    sockets.on('connection', (socket) => {
      exempt.push(activeSpan().name, activeSpan().trace.slowExempt);
      socket.on('message', (message) => socket.send(message as Buffer));
    });
    const port = await listen(server);
    const client = new WebSocket(`ws://127.0.0.1:${port}/live?token=secret`);
    await once(client, 'open');
    client.send('hello');
    const [message] = (await once(client, 'message')) as [Buffer];
    expect(String(message)).toBe('hello');
    expect(recorder.spans).toEqual([]);
    client.close();
    await recorder.ended(1);
    expect(exempt).toEqual(['http.request', true]);
    const span = recorder.only('http.request');
    expect(span.resource).toBe('GET /live');
    expect(recorder.tags(span)).toMatchObject({ path: '/live', upgrade: 'websocket', status: 101 });
  });

  it('names no path whose upgrade was refused, and no host that a CONNECT asked for', async () => {
    const { recorder } = startTracing({ client: false });
    const server = http.createServer();
    server.on('connect', (_, socket) => socket.end('HTTP/1.1 200 Connection Established\r\n\r\n'));
    const port = await listen(server);
    server.on('upgrade', (_, socket) => socket.end('HTTP/1.1 403 Forbidden\r\n\r\n'));
    await sendRaw(port, 'GET /live HTTP/1.1\r\nHost: shop.test\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n');
    await sendRaw(port, 'CONNECT db.internal:5432 HTTP/1.1\r\nHost: db.internal:5432\r\n\r\n');
    await recorder.ended(2);
    expect(served(recorder).map((span) => [span.resource, recorder.tags(span)['status']])).toEqual([
      ['GET *', 403],
      ['CONNECT *', 200],
    ]);
  });

  it('answers with traceresponse where its trace is kept', async () => {
    const { recorder } = startTracing({ client: false });
    const port = await listen(
      http.createServer((request, response) => {
        if (request.url === '/kept') activeSpan().trace.keep('error');
        response.writeHead(200, { 'x-own': '1' });
        response.end();
      }),
    );
    const kept = await ask(port, '/kept');
    const other = await ask(port, '/other');
    await recorder.ended(2);
    const [span] = served(recorder);
    expect(kept.headers).toMatchObject({ 'x-own': '1', traceresponse: `00-${span.traceId}-${span.spanId}-03` });
    expect(other.headers).not.toHaveProperty('traceresponse');
  });
});

describe('the route of a served request', () => {
  it('is what somebody names, and names the resource', async () => {
    const { recorder } = startTracing({ client: false });
    const port = await listen(
      http.createServer((_, response) => {
        setHttpRoute('/orders/:id');
        response.end();
      }),
    );
    setHttpRoute('/outside/of/any/request');
    await ask(port, '/orders/17');
    await recorder.ended(1);
    const span = recorder.only('http.request');
    expect([span.resource, recorder.tags(span)['route']]).toEqual(['GET /orders/:id', '/orders/:id']);
  });

  it("is Express's, with the mount point of a router", async () => {
    const { recorder } = startTracing({ client: false });
    const app = express();
    const orders = express.Router();
    orders.get('/:id', (_, response) => void response.json({}));
    orders.get('/', (_, response) => void response.json([]));
    app.use('/api/orders', orders);
    const port = await listen(http.createServer(app as unknown as http.RequestListener));
    for (const path of ['/api/orders/17', '/api/orders', '/nothing/17']) await ask(port, path);
    await recorder.ended(3);
    expect(served(recorder).map((span) => span.resource)).toEqual(['GET /api/orders/:id', 'GET /api/orders', 'GET *']);
  });

  it("is Fastify's, in hooks, after a body that comes late, and for errors, which are recorded", async () => {
    const { recorder } = startTracing({ client: false });
    const app = fastify();
    onTestFinished(() => app.close());
    const seen: unknown[] = [];
    app.addHook('preHandler', (_, __, done) => {
      seen.push(activeSpan().resource);
      done();
    });
    app.post('/api/orders/:id', () => {
      seen.push(activeSpan().name);
      return { made: true };
    });
    app.get('/broken/:id', () => {
      throw new RangeError('out of orders');
    });
    await app.listen({ port: 0, host: '127.0.0.1' });
    const { port } = app.server.address() as AddressInfo;
    const request = http.request({
      port,
      host: '127.0.0.1',
      method: 'POST',
      path: '/api/orders/17',
      headers: { 'content-type': 'application/json' },
    });
    request.write('{"item":');
    // In a packet of its own.
    await new Promise((resolve) => setTimeout(resolve, 5));
    request.end('"book"}');
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    response.resume();
    await once(response, 'end');
    expect((await ask(port, '/broken/1')).status).toBe(500);
    expect((await ask(port, '/nothing')).status).toBe(404);
    await recorder.ended(3);
    expect(seen).toEqual(['POST /api/orders/:id', 'http.request', 'GET /broken/:id', 'http.request']);
    expect(served(recorder).map((span) => [span.resource, span.status, span.statusMessage])).toEqual([
      ['POST /api/orders/:id', Status.unset, undefined],
      ['GET /broken/:id', Status.error, 'out of orders'],
      ['GET *', Status.unset, undefined],
    ]);
  });
});

describe('enabling and disabling', () => {
  it('ends the spans of requests that are under way', async () => {
    const { recorder, registry } = startTracing({ client: false });
    const server = http.createServer();
    const port = await listen(server);
    const asked = ask(port, '/late');
    const [, response] = (await once(server, 'request')) as [unknown, http.ServerResponse];
    registry.disable();
    response.end('late');
    expect((await asked).body).toBe('late');
    await recorder.ended(1);
    expect(recorder.only('http.request').resource).toBe('GET /late');
  });
});
