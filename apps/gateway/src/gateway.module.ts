import { EXECUTOR_SERVICE, PROTO_PACKAGE, PROTO_PATH } from '@forge-apps/contract';
import { ForgeModule } from '@forge/nestjs';
import type { Forge } from '@forge/node';
import type { DynamicModule } from '@nestjs/common';
import { ClientsModule, Transport, type ClientGrpc } from '@nestjs/microservices';
import { AuthGuard } from './auth.guard.ts';
import { Functions } from './functions.ts';
import { HealthController } from './health.controller.ts';
import { OrdersController } from './orders.controller.ts';
import type { GatewayOptions } from './server.ts';

const WORKER = Symbol('worker');

class GatewayModule {}

/** The gateway's parts: orders by gRPC from the worker, the trace API under /_api, health. */
export function gatewayModule(forge: Forge, options: GatewayOptions): DynamicModule {
  return {
    module: GatewayModule,
    imports: [
      ForgeModule.forRoot({ forge }),
      ClientsModule.register([
        {
          name: WORKER,
          transport: Transport.GRPC,
          options: { url: options.workerUrl, package: PROTO_PACKAGE, protoPath: PROTO_PATH },
        },
      ]),
    ],
    controllers: [OrdersController, HealthController],
    providers: [
      AuthGuard,
      {
        provide: Functions,
        useFactory: (client: ClientGrpc) => new Functions(client.getService(EXECUTOR_SERVICE)),
        inject: [WORKER],
      },
    ],
  };
}
