import type { Instrumentation } from '@forge/instrumentation';
import { patchChannel } from './client.ts';
import { patchServer } from './server.ts';

interface GrpcExports {
  readonly Channel: { readonly prototype: Parameters<typeof patchChannel>[0] };
  readonly Server: { readonly prototype: Parameters<typeof patchServer>[0] };
}

/**
 * Traces @grpc/grpc-js, client and server: `grpc.call` for unary calls and all three kinds of streaming.
 * Clients and servers that other libraries make (NestJS microservices) are covered, since their prototypes are patched.
 */
export function grpc(): Instrumentation {
  return {
    name: 'grpc',
    supports: [{ module: '@grpc/grpc-js', versions: '>=1.10.0 <2' }],
    enable(host) {
      const undos: (() => void)[] = [];
      host.onModule('@grpc/grpc-js', (exports) => {
        const { Channel, Server } = exports as GrpcExports;
        undos.push(patchChannel(Channel.prototype, host), patchServer(Server.prototype, host));
        return undefined;
      });
      return () => {
        for (const undo of undos) undo();
      };
    },
  };
}
