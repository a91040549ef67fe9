import * as grpc from '@grpc/grpc-js';

const asBuffer = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const fromBuffer = (bytes: Buffer): unknown => JSON.parse(bytes.toString()) as unknown;

function method(
  name: string,
  requestStream: boolean,
  responseStream: boolean,
): grpc.MethodDefinition<unknown, unknown> {
  return {
    path: `/shop.Orders/${name}`,
    requestStream,
    responseStream,
    requestSerialize: asBuffer,
    requestDeserialize: fromBuffer,
    responseSerialize: asBuffer,
    responseDeserialize: fromBuffer,
  };
}

/** A service with a method of each kind, over JSON: no .proto file is needed. */
export const ordersService = {
  Get: method('Get', false, false),
  Import: method('Import', true, false),
  List: method('List', false, true),
  Watch: method('Watch', true, true),
  Missing: method('Missing', false, false),
} satisfies grpc.ServiceDefinition;

export type OrdersHandlers = Partial<Record<keyof typeof ordersService, grpc.UntypedHandleCall>>;

export const OrdersClient = grpc.makeClientConstructor(ordersService, 'Orders');

export interface OrdersServer {
  readonly server: grpc.Server;
  readonly address: string;
}

export async function serveOrders(handlers: OrdersHandlers, options?: grpc.ServerOptions): Promise<OrdersServer> {
  const server = new grpc.Server(options);
  server.addService(ordersService, handlers as grpc.UntypedServiceImplementation);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return { server, address: `127.0.0.1:${port}` };
}
