import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type Dispatcher, fetch as undiciFetch, request as undiciRequest } from 'undici';
import { type ConformanceCase, describeInstrumentation, type Seen } from '@forge/instrumentation/conformance';
import { fetch as fetchPlugin } from '../src/index.ts';

interface App {
  readonly server: http.Server;
  readonly origin: string;
  handle: (request: IncomingMessage, response: ServerResponse) => void;
}

/** What the caller sees of an answer, and of its failure: undici's errors hide the reason in their cause. */
async function seenBy(call: Promise<Response>, seen: Seen): Promise<unknown> {
  try {
    const response = await call;
    seen.caller('after the headers');
    const body = await response.text();
    seen.caller('after the body');
    return { status: response.status, body };
  } catch (error) {
    const { name, message, cause } = error as Error;
    return { name, message, code: (cause as { code?: string } | undefined)?.code };
  }
}

function casesOf(get: typeof fetch): Record<string, ConformanceCase<App>> {
  return {
    'a call with a body both ways': {
      run(app, seen) {
        app.handle = (request, response) => {
          response.writeHead(201, { 'x-has-context': String(request.headers.traceparent !== undefined) });
          request.pipe(response);
        };
        return seenBy(get(`${app.origin}/orders?token=secret`, { method: 'POST', body: 'order' }), seen);
      },
      spans: ['http.client'],
      tags: { 'http.client': { method: 'POST', url: 'http://shop.test/orders?token=REDACTED', status: 201 } },
    },
    'a call that is refused': {
      run(app, seen) {
        app.handle = (_, response) => response.writeHead(404).end('nothing here');
        return seenBy(get(`${app.origin}/nothing`), seen);
      },
      spans: ['http.client'],
      fails: ['http.client'],
      tags: { 'http.client': { status: 404 } },
    },
    'a redirect, each hop of it': {
      run(app, seen) {
        app.handle = (request, response) => {
          if (request.url === '/new') response.end('here');
          else response.writeHead(302, { location: '/new' }).end();
        };
        return seenBy(get(`${app.origin}/old`), seen);
      },
      spans: ['http.client', 'http.client'],
    },
    'nobody listening': {
      async run(_, seen) {
        const taken = http.createServer().listen(0, '127.0.0.1');
        await once(taken, 'listening');
        const { port } = taken.address() as AddressInfo;
        taken.close();
        await once(taken, 'close');
        return seenBy(get(`http://127.0.0.1:${port}`), seen);
      },
      spans: ['http.client'],
      fails: ['http.client'],
    },
    'a call that its caller gives up before the answer': {
      async run(app, seen) {
        const abort = new AbortController();
        const closed = new Promise((resolve) => {
          app.handle = (_, response) => {
            response.on('close', resolve);
            abort.abort();
          };
        });
        const [got] = await Promise.all([seenBy(get(app.origin, { signal: abort.signal }), seen), closed]);
        return got;
      },
      spans: ['http.client'],
      fails: ['http.client'],
      tags: { 'http.client': { aborted: true } },
    },
    'a body that nobody reads to its end': {
      async run(app) {
        const closed = new Promise((resolve) => {
          app.handle = (_, response) => {
            response.on('close', resolve);
            response.write('a first piece');
          };
        });
        const response = await get(app.origin);
        await response.body?.cancel();
        await closed;
        return response.status;
      },
      spans: ['http.client'],
      tags: { 'http.client': { status: 200, aborted: true } },
    },
    'a connection that breaks': {
      run(app, seen) {
        app.handle = (_, response) => {
          response.writeHead(200, { 'content-length': '100' });
          response.write('a first piece', () => response.destroy());
        };
        return seenBy(get(app.origin), seen);
      },
      spans: ['http.client'],
      fails: ['http.client'],
    },
  };
}

const subject = {
  make: () => fetchPlugin({ redactUrl: (url) => url.replace(/127\.0\.0\.1:\d+/, 'shop.test') }),
  async open() {
    const server = http.createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const app: App = {
      server,
      origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      handle: (_, response) => response.end(),
    };
    server.on('request', (request, response) => app.handle(request, response));
    return app;
  },
  async close({ server }: App) {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  },
} satisfies Partial<Parameters<typeof describeInstrumentation<App>>[1]>;

const line: (span: { name: string }) => string = (span) => span.name;

describeInstrumentation<App>('fetch of Node', { ...subject, line, cases: casesOf(fetch) });
describeInstrumentation<App>('fetch of undici', {
  ...subject,
  line,
  cases: casesOf(undiciFetch as unknown as typeof fetch),
});
describeInstrumentation<App>('request of undici', {
  ...subject,
  line,
  cases: {
    'a call with a body': {
      async run(app, seen) {
        app.handle = (_, response) => response.end('hello');
        const { statusCode, body }: Dispatcher.ResponseData = await undiciRequest(app.origin);
        seen.caller('after the headers');
        return { statusCode, body: await body.text() };
      },
      spans: ['http.client'],
    },
  },
});
