import http2 from 'node:http2';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describeInstrumentation, type Seen } from '@forge/instrumentation/conformance';
import { http as httpPlugin } from '../src/index.ts';

interface App {
  readonly server: http2.Http2Server;
  readonly session: http2.ClientHttp2Session;
  /** What is served by the stream API, and by the compatibility API, in the case that is running. */
  onStream: ((stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => void) | undefined;
  onRequest: ((request: http2.Http2ServerRequest, response: http2.Http2ServerResponse) => void) | undefined;
}

const AUTHORITY = { ':authority': 'shop.test' };

function answer(stream: http2.ClientHttp2Stream, seen: Seen): Promise<unknown> {
  return new Promise((resolve) => {
    let status: unknown;
    let body = '';
    let failure: unknown;
    stream.on('response', (headers) => {
      seen.caller('in the response listener');
      status = headers[':status'];
    });
    stream.on('data', (piece: Buffer) => {
      seen.caller('at a piece of the body');
      body += piece.toString();
    });
    stream.on('error', (error: NodeJS.ErrnoException) => {
      seen.caller('in the error listener');
      failure = error.code;
    });
    stream.on('close', () => {
      seen.caller('at the close');
      resolve({ status, body, failure, rstCode: stream.rstCode });
    });
  });
}

describeInstrumentation<App>('http over HTTP/2', {
  make: () => httpPlugin(),
  patched: () => [
    http2,
    Object.getPrototypeOf(http2.createServer()) as object,
    Object.getPrototypeOf(http2.createSecureServer()) as object,
  ],
  async open() {
    const server = http2.createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const session = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    await once(session, 'connect');
    const app: App = { server, session, onStream: undefined, onRequest: undefined };
    server.on('stream', (stream, headers) => app.onStream?.(stream, headers));
    server.on('request', (request, response) => app.onRequest?.(request, response));
    return app;
  },
  async close({ server, session }) {
    session.destroy();
    server.close();
    await once(server, 'close');
  },
  cases: {
    'a request by the stream API, with a body both ways': {
      run(app, seen) {
        app.onRequest = undefined;
        app.onStream = (stream, headers) => {
          seen.within('http.request', 'in the handler');
          let body = '';
          stream.on('data', (piece: Buffer) => {
            seen.within('http.request', 'at a piece of the request');
            body += piece.toString();
          });
          stream.on('end', () => {
            seen.within('http.request', 'at the end of the request');
            stream.respond({ ':status': 201, 'x-parent': String(headers['traceparent'] === undefined) });
            stream.end(`made ${body}`);
          });
        };
        const stream = app.session.request({ ...AUTHORITY, ':method': 'POST', ':path': '/orders/17?token=secret' });
        const got = answer(stream, seen);
        stream.write('or');
        setImmediate(() => stream.end('der'));
        return got;
      },
      spans: ['http.client shop.test', '  http.request POST /orders/:id'],
      tags: {
        'http.client shop.test': { method: 'POST', url: 'http://shop.test/orders/17?token=REDACTED', status: 201 },
        'http.request POST /orders/:id': { path: '/orders/17', status: 201 },
      },
      spansWithoutTracing: ['http.request POST /orders/:id'],
    },
    'a request by the compatibility API': {
      run(app, seen) {
        app.onStream = undefined;
        app.onRequest = (_, response) => {
          seen.within('http.request', 'in the handler');
          response.on('close', () => seen.within('http.request', 'at the close'));
          response.setHeader('content-type', 'text/plain');
          response.end('hello');
        };
        return answer(app.session.request({ ...AUTHORITY, ':path': '/' }), seen);
      },
      spans: ['http.client shop.test', '  http.request GET /'],
      spansWithoutTracing: ['http.request GET /'],
    },
    'a server that fails': {
      run(app, seen) {
        app.onStream = undefined;
        app.onRequest = (_, response) => {
          response.statusCode = 500;
          response.end();
        };
        return answer(app.session.request({ ...AUTHORITY, ':path': '/down' }), seen);
      },
      spans: ['http.client shop.test', '  http.request GET /down'],
      fails: ['http.client shop.test', 'http.request GET /down'],
      spansWithoutTracing: ['http.request GET /down'],
    },
    'a call that its caller gives up': {
      async run(app, seen) {
        const closed = new Promise<void>((resolve) => {
          app.onRequest = undefined;
          app.onStream = (stream) => {
            stream.on('close', resolve);
            stream.respond({ ':status': 200 });
            stream.write('a first piece');
          };
        });
        const stream = app.session.request({ ...AUTHORITY, ':path': '/slow' });
        stream.once('data', () => stream.close(http2.constants.NGHTTP2_CANCEL));
        const [got] = await Promise.all([answer(stream, seen), closed]);
        return got;
      },
      spans: ['http.client shop.test', '  http.request GET /slow'],
      tags: { 'http.request GET /slow': { aborted: true, status: 200 }, 'http.client shop.test': { aborted: true } },
      spansWithoutTracing: ['http.request GET /slow'],
    },
    'a stream that the server resets': {
      run(app, seen) {
        app.onRequest = undefined;
        app.onStream = (stream) => stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
        return answer(app.session.request({ ...AUTHORITY, ':path': '/broken' }), seen);
      },
      spans: ['http.client shop.test', '  http.request GET *'],
      fails: ['http.client shop.test'],
      spansWithoutTracing: ['http.request GET *'],
    },
    'a call that looks like gRPC, which is left to its own plugin': {
      run(app, seen) {
        app.onRequest = undefined;
        app.onStream = (stream) => {
          stream.respond({ ':status': 200 });
          stream.end();
        };
        return answer(app.session.request({ ...AUTHORITY, 'content-type': 'application/grpc+proto' }), seen);
      },
      spans: [],
    },
  },
});
