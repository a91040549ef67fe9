import http, { type ClientRequest, type IncomingMessage } from 'node:http';
import https from 'node:https';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { WebSocket, WebSocketServer } from 'ws';
import { describe, expect, it, onTestFinished } from 'vitest';
import { activeContext, contextWithSpan, Decision, runInContext, Status } from '@forge/core';
import { listen, startTracing } from './tracing.ts';

const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));

/** A server that answers with the headers it got, as Node parsed them. */
async function mirror(): Promise<number> {
  return listen(http.createServer((request, response) => response.end(JSON.stringify(request.headers))));
}

async function read(request: ClientRequest): Promise<Record<string, string>> {
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let text = '';
  for await (const piece of response) text += String(piece);
  return JSON.parse(text) as Record<string, string>;
}

describe('a call', () => {
  it('carries its context, however its arguments are written, and changes none of them', async () => {
    const { recorder } = startTracing({ server: false });
    const port = await mirror();
    const url = `http://127.0.0.1:${port}/`;
    const at = { host: '127.0.0.1', port };
    const headers = Object.freeze({ 'x-own': '1', TraceParent: 'not-ours' });
    const flat = Object.freeze(['x-own', '1', 'host', 'shop.test']);
    const pairs = [
      ['x-own', '1'],
      ['host', 'shop.test'],
    ] as unknown as string[];
    const ways: Record<string, () => ClientRequest> = {
      options: () => http.request({ ...at, headers }).end(),
      'options, headers in a list': () => http.request({ ...at, headers: flat }).end(),
      'options, headers in pairs': () => http.request({ ...at, headers: pairs }).end(),
      'headers with Expect': () => http.request({ ...at, headers: { ...headers, Expect: '100-continue' } }).end(),
      'a URL': () => http.request(new URL(url), Object.freeze({ headers })).end(),
      'a text': () => http.request(url, { headers }).end(),
      'get of options': () => http.get(Object.freeze({ ...at, headers })),
      'get of a URL with options': () => http.get(new URL(url), { headers }),
    };
    for (const [way, call] of Object.entries(ways)) {
      recorder.clear();
      const seen = await read(call());
      await recorder.ended(1);
      const span = recorder.only('http.client');
      expect({ way, own: seen['x-own'], traceparent: seen['traceparent'] }).toEqual({
        way,
        own: '1',
        traceparent: `00-${span.traceId}-${span.spanId}-03`,
      });
    }
    for (const call of [() => http.get(url), () => http.get(url, (response) => void response)]) {
      recorder.clear();
      const seen = await read(call());
      await recorder.ended(1);
      expect(seen['traceparent']).toContain(recorder.only('http.client').traceId);
    }
  });

  it('is traced however node:http was imported, before tracing started too', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [
      '--conditions=@forge/source',
      '--import=tsx',
      fixture('import-styles.mjs'),
    ]);
    const both = ['http.client shop.test', '  http.request GET /'];
    expect(JSON.parse(stdout)).toEqual({
      default: both,
      named: both,
      namespace: both,
      required: both,
      dynamic: both,
      restored: true,
    });
  });

  it('is a child of the active span, and so are calls that its callback makes', async () => {
    const { recorder } = startTracing({ server: false });
    const port = await mirror();
    const parent = recorder.provider.getTracer('test').start('parent');
    await runInContext(contextWithSpan(activeContext(), parent), async () => {
      const done = new Promise<void>((resolve) => {
        http.get({ host: '127.0.0.1', port, headers: { host: 'first.test' } }, (response) => {
          response.resume();
          response.on('end', () => {
            http.get({ host: '127.0.0.1', port, headers: { host: 'second.test' } }, (again) => {
              again.resume();
              again.on('close', resolve);
            });
          });
        });
      });
      await done;
    });
    parent.end();
    expect(recorder.tree()).toEqual(['parent', '  http.client first.test', '  http.client second.test']);
  });

  it('shows no credentials and no query, not those of a proxied URL either', async () => {
    const { recorder } = startTracing({ server: false });
    const port = await mirror();
    const path = 'http://user:PLANTED@api.test/charges?key=PLANTED';
    await read(http.get({ host: '127.0.0.1', port, path, auth: 'me:PLANTED', headers: { 'x-token': 'PLANTED' } }));
    await recorder.ended(1);
    const span = recorder.only('http.client');
    expect(recorder.tags(span)['url']).toBe('http://api.test/charges?key=REDACTED');
    expect(JSON.stringify([span.attributes, span.resource])).not.toContain('PLANTED');
  });

  it('is an error from 400 on, and one that fails keeps its code', async () => {
    const { recorder } = startTracing({ server: false });
    const port = await listen(
      http.createServer((request, response) => {
        response.statusCode = Number(request.url?.slice(1));
        response.end('{}');
      }),
    );
    for (const path of ['/399', '/400', '/503']) await read(http.get({ host: '127.0.0.1', port, path }));
    const refused = http.get({ host: '127.0.0.1', port: 1 });
    refused.on('error', () => undefined);
    await recorder.ended(4);
    expect(recorder.spans.map((span) => [span.status, span.statusMessage])).toEqual([
      [Status.unset, undefined],
      [Status.error, '400 Bad Request'],
      [Status.error, '503 Service Unavailable'],
      [Status.error, 'connect ECONNREFUSED 127.0.0.1:1'],
    ]);
    expect(recorder.spans[3].events[0].attributes).toContain('ECONNREFUSED');
  });

  it('adds no listener that Node or the application would take for its own', async () => {
    startTracing({ server: false });
    const port = await mirror();
    const request = http.request({ host: '127.0.0.1', port });
    for (const event of ['error', 'response', 'upgrade', 'connect', 'continue', 'information'])
      expect([event, request.listenerCount(event)]).toEqual([event, 0]);
    request.end();
    await once(request, 'close');
  });

  it('ends where nobody reads the answer', async () => {
    const { recorder } = startTracing({ server: false });
    const port = await mirror();
    http.get({ host: '127.0.0.1', port });
    await recorder.ended(1);
    expect(recorder.tags(recorder.only('http.client'))).toMatchObject({ status: 200 });
  });

  it('says so when it timed out, and when its caller threw the rest of the answer away', async () => {
    const { recorder } = startTracing({ server: false });
    const port = await listen(
      http.createServer((request, response) => void (request.url === '/half' && response.write('x'))),
    );
    const slow = http.get({ host: '127.0.0.1', port, path: '/slow', timeout: 10 });
    slow.on('timeout', () => slow.destroy());
    slow.on('error', () => undefined);
    await recorder.ended(1);
    const half = http.get({ host: '127.0.0.1', port, path: '/half' });
    const [response] = (await once(half, 'response')) as [IncomingMessage];
    response.destroy();
    await recorder.ended(2);
    const [timedOut, thrownAway] = recorder.spans;
    expect([recorder.tags(timedOut)['timeout'], timedOut.status]).toEqual([true, Status.error]);
    expect([recorder.tags(thrownAway)['aborted'], thrownAway.status]).toEqual([true, Status.unset]);
  });

  it('that becomes a WebSocket ends with its handshake', async () => {
    const { recorder } = startTracing({ server: false });
    const server = http.createServer();
    const sockets = new WebSocketServer({ server });
    onTestFinished(() => sockets.close());
    const port = await listen(server);
    const client = new WebSocket(`ws://127.0.0.1:${port}/live`);
    await once(client, 'open');
    await recorder.ended(1);
    expect(recorder.tags(recorder.only('http.client'))).toMatchObject({ status: 101 });
    client.terminate();
  });

  it('goes to an ignored host without a trace of it', async () => {
    const port = await mirror();
    const { recorder } = startTracing({ server: false, ignoreHosts: [`127.0.0.1:${port}`] });
    const seen = [
      await read(http.get({ host: '127.0.0.1', port })),
      await read(http.get(`http://127.0.0.1:${port}/`)),
      await read(http.request(new URL(`http://127.0.0.1:${port}/`)).end()),
    ];
    expect(seen.map((headers) => headers['traceparent'])).toEqual([undefined, undefined, undefined]);
    expect(recorder.spans).toEqual([]);
  });

  it('keeps its trace when the called side answers that it did', async () => {
    const { recorder } = startTracing({ server: false });
    const port = await listen(
      http.createServer((request, response) => {
        const [, traceId, spanId] = String(request.headers['traceparent']).split('-');
        response.setHeader('traceresponse', `00-${traceId}-${spanId}-01`);
        response.end('{}');
      }),
    );
    await read(http.get({ host: '127.0.0.1', port }));
    await recorder.ended(1);
    const { trace } = recorder.only('http.client');
    expect([trace.decision, trace.keepReason]).toEqual([Decision.kept, 'peer']);
  });
});

describe('over TLS', () => {
  it('both sides are traced, with https in their URLs', async () => {
    const { recorder } = startTracing();
    const cert = readFileSync(fixture('localhost.crt'));
    const server = https.createServer({ cert, key: readFileSync(fixture('localhost.key')) }, (_, response) =>
      response.end('{}'),
    );
    const port = await listen(server);
    await read(https.get({ port, path: '/orders', ca: cert, servername: 'localhost', headers: { host: 'shop.test' } }));
    await recorder.ended(2);
    expect(recorder.tree()).toEqual(['http.client shop.test', '  http.request GET /orders']);
    expect(recorder.spans.map((span) => recorder.tags(span)['url'])).toEqual([
      'https://shop.test/orders',
      'https://shop.test/orders',
    ]);
  });
});
