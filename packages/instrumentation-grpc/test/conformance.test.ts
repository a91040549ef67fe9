import * as grpc from '@grpc/grpc-js';
import { once } from 'node:events';
import { describeInstrumentation, type Seen } from '@forge/instrumentation/conformance';
import { clientInterceptor, grpc as grpcPlugin, serverInterceptor } from '../src/index.ts';
import { OrdersClient, type OrdersHandlers, type OrdersServer, serveOrders } from './orders-service.ts';

type Callback = (error: grpc.ServiceError | null, value?: unknown) => void;
type Unary = (request: unknown, ...rest: unknown[]) => grpc.ClientUnaryCall;

interface App extends OrdersServer {
  readonly client: grpc.Client & {
    Get: Unary;
    Missing: Unary;
    Import: (callback: Callback) => grpc.ClientWritableStream<unknown>;
    List: (request: unknown) => grpc.ClientReadableStream<unknown>;
    Watch: () => grpc.ClientDuplexStream<unknown, unknown>;
  };
  /** What the served side does, in the case that is running. */
  readonly handlers: {
    Get: grpc.handleUnaryCall<unknown, unknown>;
    Import: grpc.handleClientStreamingCall<unknown, unknown>;
    List: grpc.handleServerStreamingCall<unknown, unknown>;
    Watch: grpc.handleBidiStreamingCall<unknown, unknown>;
  };
}

function opener(client: grpc.ClientOptions = {}, server: grpc.ServerOptions = {}) {
  return async (): Promise<App> => {
    const handlers = {} as App['handlers'];
    const forwarding: OrdersHandlers = {
      Get: ((call, callback) => handlers.Get(call, callback)) as grpc.handleUnaryCall<unknown, unknown>,
      Import: ((call, callback) => handlers.Import(call, callback)) as grpc.handleClientStreamingCall<unknown, unknown>,
      List: ((call) => handlers.List(call)) as grpc.handleServerStreamingCall<unknown, unknown>,
      Watch: ((call) => handlers.Watch(call)) as grpc.handleBidiStreamingCall<unknown, unknown>,
    };
    const served = await serveOrders(forwarding, server);
    const made = new OrdersClient(served.address, grpc.credentials.createInsecure(), client);
    return { ...served, client: made as unknown as App['client'], handlers };
  };
}

function unary(call: Unary, request: unknown, seen: Seen, ...rest: unknown[]): Promise<unknown> {
  return new Promise((resolve, reject) => {
    call(request, ...rest, (error: grpc.ServiceError | null, value: unknown) => {
      seen.caller('in the callback');
      if (error === null) resolve(value);
      else reject(error);
    });
  });
}

/** All that a stream brings, and how it ends. */
function collect(stream: grpc.ClientReadableStream<unknown>, seen: Seen): Promise<unknown> {
  return new Promise((resolve) => {
    const messages: unknown[] = [];
    let failure: unknown;
    stream.on('metadata', () => seen.caller('at the metadata'));
    stream.on('data', (message) => {
      seen.caller('at a message');
      messages.push(message);
    });
    stream.on('error', (error: grpc.ServiceError) => {
      seen.caller('at the error');
      failure = { code: error.code, details: error.details };
    });
    stream.on('status', (status: grpc.StatusObject) => {
      seen.caller('at the status');
      // Errors come after the status.
      setImmediate(() => resolve({ messages, failure, status: status.code }));
    });
  });
}

const error = (code: grpc.status, details: string): grpc.ServiceError =>
  Object.assign(new Error(details), { code, details, metadata: new grpc.Metadata() });

const GET = ['grpc.call shop.Orders/Get', '  grpc.call shop.Orders/Get'];

const subject = {
  make: () => grpcPlugin(),
  modules: { '@grpc/grpc-js': grpc },
  patched: () => [grpc.Client.prototype, grpc.Channel.prototype, grpc.Server.prototype],
  open: opener(),
  close({ client, server }: App) {
    client.close();
    server.forceShutdown();
  },
};

describeInstrumentation<App>('grpc', {
  ...subject,
  cases: {
    'a unary call': {
      async run({ client, handlers }, seen) {
        handlers.Get = (call, callback) => {
          seen.within('grpc.call', 'in the handler');
          setTimeout(() => {
            seen.within('grpc.call', 'in a timer of the handler');
            const trailers = new grpc.Metadata();
            trailers.set('took', '1');
            callback(null, { got: call.request, tenant: call.metadata.get('tenant') }, trailers);
          }, 1);
        };
        const metadata = new grpc.Metadata();
        metadata.set('tenant', 'acme');
        const answer = await unary(client.Get.bind(client), { id: 17 }, seen, metadata);
        return { answer, metadata: metadata.getMap() };
      },
      spans: GET,
      tags: {
        'grpc.call shop.Orders/Get': { service: 'shop.Orders', method: 'Get', status: 'OK', 'grpc.status_code': 0 },
      },
      spansWithoutTracing: ['grpc.call shop.Orders/Get'],
    },
    'a refused call': {
      run({ client, handlers }, seen) {
        handlers.Get = (_, callback) => callback(error(grpc.status.NOT_FOUND, 'no order 17'));
        return unary(client.Get.bind(client), {}, seen);
      },
      spans: GET,
      fails: ['grpc.call shop.Orders/Get'],
      tags: { 'grpc.call shop.Orders/Get': { status: 'NOT_FOUND', 'grpc.status_code': 5 } },
      spansWithoutTracing: ['grpc.call shop.Orders/Get'],
    },
    'a handler that throws': {
      run({ client, handlers }, seen) {
        handlers.Get = () => {
          throw new Error('out of paper');
        };
        return unary(client.Get.bind(client), {}, seen);
      },
      spans: GET,
      fails: ['grpc.call shop.Orders/Get', 'grpc.call shop.Orders/Get'],
      tags: { 'grpc.call shop.Orders/Get': { status: 'UNKNOWN' } },
      spansWithoutTracing: ['grpc.call shop.Orders/Get'],
    },
    'a method that nobody implements': {
      run: ({ client }, seen) => unary(client.Missing.bind(client), {}, seen),
      spans: ['grpc.call shop.Orders/Missing', '  grpc.call shop.Orders/Missing'],
      fails: ['grpc.call shop.Orders/Missing', 'grpc.call shop.Orders/Missing'],
      spansWithoutTracing: ['grpc.call shop.Orders/Missing'],
    },
    'a passed deadline': {
      run({ client, handlers }, seen) {
        const ended = new Promise<void>((resolve) => {
          handlers.Get = (call) => {
            call.on('cancelled', () => {
              seen.within('grpc.call', 'when it is cancelled');
              resolve();
            });
          };
        });
        const call = unary(client.Get.bind(client), {}, seen, new grpc.Metadata(), { deadline: Date.now() + 15 });
        return Promise.allSettled([call, ended]).then(([result]) => {
          if (result.status === 'fulfilled') return result.value;
          return { code: (result.reason as grpc.ServiceError).code };
        });
      },
      spans: GET,
      fails: ['grpc.call shop.Orders/Get', 'grpc.call shop.Orders/Get'],
      tags: { 'grpc.call shop.Orders/Get': { status: 'DEADLINE_EXCEEDED' } },
      spansWithoutTracing: ['grpc.call shop.Orders/Get'],
    },
    'a stream of answers': {
      run({ client, handlers }, seen) {
        handlers.List = (call) => {
          seen.within('grpc.call', 'in the handler');
          for (const id of [1, 2, 3]) call.write({ id });
          setImmediate(() => {
            seen.within('grpc.call', 'later in the handler');
            call.end();
          });
        };
        return collect(client.List({}), seen);
      },
      spans: ['grpc.call shop.Orders/List', '  grpc.call shop.Orders/List'],
      spansWithoutTracing: ['grpc.call shop.Orders/List'],
    },
    'a stream of answers that fails': {
      run({ client, handlers }, seen) {
        handlers.List = (call) => {
          call.write({ id: 1 });
          call.emit('error', error(grpc.status.INTERNAL, 'disk full'));
        };
        return collect(client.List({}), seen);
      },
      spans: ['grpc.call shop.Orders/List', '  grpc.call shop.Orders/List'],
      fails: ['grpc.call shop.Orders/List', 'grpc.call shop.Orders/List'],
      spansWithoutTracing: ['grpc.call shop.Orders/List'],
    },
    'a stream of answers that its reader cancels': {
      async run({ client, handlers }, seen) {
        let cancelled: Promise<unknown> = Promise.resolve();
        handlers.List = (call) => {
          cancelled = once(call, 'cancelled');
          call.write({ id: 1 });
        };
        const stream = client.List({});
        stream.once('data', () => stream.cancel());
        const got = await collect(stream, seen);
        await cancelled;
        return got;
      },
      spans: ['grpc.call shop.Orders/List', '  grpc.call shop.Orders/List'],
      fails: ['grpc.call shop.Orders/List'],
      tags: { 'grpc.call shop.Orders/List': { status: 'CANCELLED', cancelled: true } },
      spansWithoutTracing: ['grpc.call shop.Orders/List'],
    },
    'a stream of requests': {
      run({ client, handlers }, seen) {
        handlers.Import = (call, callback) => {
          let count = 0;
          call.on('data', () => {
            seen.within('grpc.call', 'at a message');
            count++;
          });
          call.on('end', () => {
            seen.within('grpc.call', 'at the end');
            callback(null, { count });
          });
        };
        return new Promise((resolve, reject) => {
          const call = client.Import((failure, value) => {
            seen.caller('in the callback');
            if (failure === null) resolve(value);
            else reject(failure);
          });
          call.write({ id: 1 });
          setImmediate(() => {
            call.write({ id: 2 });
            call.end();
          });
        });
      },
      spans: ['grpc.call shop.Orders/Import', '  grpc.call shop.Orders/Import'],
      spansWithoutTracing: ['grpc.call shop.Orders/Import'],
    },
    'streams both ways': {
      run({ client, handlers }, seen) {
        handlers.Watch = (call) => {
          call.on('data', (message) => {
            seen.within('grpc.call', 'at a message');
            call.write({ echo: message as unknown });
          });
          call.on('end', () => call.end());
        };
        const stream = client.Watch();
        stream.write(1);
        stream.once('data', () => {
          stream.write(2);
          stream.end();
        });
        return collect(stream, seen);
      },
      spans: ['grpc.call shop.Orders/Watch', '  grpc.call shop.Orders/Watch'],
      spansWithoutTracing: ['grpc.call shop.Orders/Watch'],
    },
    'nobody listening': {
      async run(_, seen) {
        const client = new OrdersClient('127.0.0.1:1', grpc.credentials.createInsecure());
        try {
          return await unary((client['Get'] as Unary).bind(client), {}, seen);
        } catch (failure) {
          return { code: (failure as grpc.ServiceError).code };
        } finally {
          client.close();
        }
      },
      spans: ['grpc.call shop.Orders/Get'],
      fails: ['grpc.call shop.Orders/Get'],
      tags: { 'grpc.call shop.Orders/Get': { status: 'UNAVAILABLE', 'grpc.status_code': 14 } },
    },
  },
});

describeInstrumentation<App>('grpc with explicit interceptors, its library out of reach', {
  ...subject,
  modules: {},
  open: opener({ interceptors: [clientInterceptor()] }, { interceptors: [serverInterceptor()] }),
  cases: {
    'a unary call': {
      run({ client, handlers }, seen) {
        handlers.Get = (_, callback) => {
          seen.within('grpc.call', 'in the handler');
          callback(null, 'got it');
        };
        return unary(client.Get.bind(client), {}, seen);
      },
      spans: GET,
      spansWithoutTracing: ['grpc.call shop.Orders/Get'],
    },
  },
});

describeInstrumentation<App>('grpc with explicit interceptors, its library patched as well', {
  ...subject,
  open: opener({ interceptors: [clientInterceptor()] }, { interceptors: [serverInterceptor()] }),
  cases: {
    'a unary call': {
      run({ client, handlers }, seen) {
        handlers.Get = (_, callback) => callback(null, 'got it');
        return unary(client.Get.bind(client), {}, seen);
      },
      spans: GET,
      spansWithoutTracing: ['grpc.call shop.Orders/Get'],
    },
  },
});
