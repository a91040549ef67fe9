import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describeInstrumentation, type Seen } from '@forge/instrumentation/conformance';
import { http as httpPlugin } from '../src/index.ts';

interface App {
  readonly port: number;
  readonly server: http.Server;
  /** What the served side looks at, of the case that is running. */
  handle: (request: IncomingMessage, response: http.ServerResponse) => void;
}

function call(app: App, path: string, options: http.RequestOptions = {}): http.ClientRequest {
  return http.request({ host: '127.0.0.1', port: app.port, path, headers: { host: 'shop.test' }, ...options });
}

/** The answer as its reader sees it, its pieces joined. */
function answer(request: http.ClientRequest, seen: Seen): Promise<unknown> {
  return new Promise((resolve, reject) => {
    request.on('error', (error) => {
      seen.caller('in the error listener');
      reject(error);
    });
    request.on('response', (response) => {
      seen.caller('in the response listener');
      let body = '';
      response.on('data', (piece: Buffer) => {
        seen.caller('at a piece of the body');
        body += piece.toString();
      });
      response.on('error', reject);
      response.on('end', () => {
        seen.caller('at the end of the body');
        resolve({ status: response.statusCode, type: response.headers['content-type'], body });
      });
    });
  });
}

describeInstrumentation<App>('http', {
  make: () => httpPlugin(),
  patched: () => [
    http,
    https,
    http.Server.prototype,
    https.Server.prototype,
    http.IncomingMessage.prototype,
    http.ServerResponse.prototype,
  ],
  async open() {
    const server = http.createServer();
    const app: App = { port: 0, server, handle: (_, response) => response.end() };
    server.on('request', (request, response) => app.handle(request, response));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return Object.assign(app, { port: (server.address() as AddressInfo).port });
  },
  async close({ server }) {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  },
  cases: {
    'a request with a body both ways': {
      async run(app, seen) {
        app.handle = (request, response) => {
          seen.within('http.request', 'in the handler');
          let body = '';
          request.on('data', (piece: Buffer) => {
            seen.within('http.request', 'at a piece of the request');
            body += piece.toString();
          });
          request.on('end', () => {
            setTimeout(() => {
              seen.within('http.request', 'in a timer of the handler');
              response.writeHead(201, { 'content-type': 'text/plain' });
              response.write('made ');
              response.end(body);
            }, 1);
          });
        };
        const request = call(app, '/orders/17?token=secret', { method: 'POST' });
        const got = answer(request, seen);
        request.write('or');
        request.end('der');
        return got;
      },
      spans: ['http.client shop.test', '  http.request POST /orders/:id'],
      tags: {
        'http.client shop.test': {
          method: 'POST',
          url: 'http://shop.test/orders/17?token=REDACTED',
          status: 201,
        },
        'http.request POST /orders/:id': {
          method: 'POST',
          path: '/orders/17',
          url: 'http://shop.test/orders/17?token=REDACTED',
          status: 201,
        },
      },
      spansWithoutTracing: ['http.request POST /orders/:id'],
    },
    'a request by get, whose headers are gone at once': {
      run(app, seen) {
        app.handle = (_, response) => response.end('hello');
        const options = { host: '127.0.0.1', port: app.port, path: '/', headers: { host: 'shop.test' } };
        return answer(http.get(options), seen);
      },
      spans: ['http.client shop.test', '  http.request GET /'],
      spansWithoutTracing: ['http.request GET /'],
    },
    'a connection that another request opened': {
      async run(app, seen) {
        app.handle = (_, response) => response.end('hello');
        const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
        const calls = ['/first', '/second', '/third'].map((path) => {
          const request = call(app, path, { agent });
          request.end();
          return answer(request, seen);
        });
        const answers = await Promise.all(calls);
        agent.destroy();
        return answers;
      },
      spans: [
        'http.client shop.test',
        '  http.request GET /first',
        'http.client shop.test',
        '  http.request GET /second',
        'http.client shop.test',
        '  http.request GET /third',
      ],
      spansWithoutTracing: ['http.request GET /first', 'http.request GET /second', 'http.request GET /third'],
    },
    'a server that fails': {
      run(app, seen) {
        app.handle = (_, response) => {
          response.statusCode = 503;
          response.end('no');
        };
        const request = call(app, '/down');
        request.end();
        return answer(request, seen);
      },
      spans: ['http.client shop.test', '  http.request GET /down'],
      fails: ['http.client shop.test', 'http.request GET /down'],
      spansWithoutTracing: ['http.request GET /down'],
    },
    'nobody listening': {
      run(_, seen) {
        const request = http.request({ host: '127.0.0.1', port: 1, headers: { host: 'nobody.test' } });
        request.end();
        return answer(request, seen);
      },
      spans: ['http.client nobody.test'],
      fails: ['http.client nobody.test'],
    },
    'arguments that Node refuses': {
      run: () => http.request({ host: '127.0.0.1', path: '/a b' }),
      spans: ['http.client'],
      fails: ['http.client'],
    },
    'a call that its caller gives up': {
      async run(app, seen) {
        const arrived = new Promise<http.ServerResponse>((resolve) => {
          app.handle = (_, response) => resolve(response);
        });
        const request = call(app, '/slow');
        request.end();
        const got = answer(request, seen);
        const gone = arrived.then((response) => {
          request.destroy();
          return once(response, 'close');
        });
        const [result] = await Promise.allSettled([got, gone]);
        if (result.status === 'rejected') throw result.reason;
        return result.value;
      },
      spans: ['http.client shop.test', '  http.request GET *'],
      fails: ['http.client shop.test'],
      tags: { 'http.request GET *': { aborted: true } },
      spansWithoutTracing: ['http.request GET *'],
    },
  },
});
