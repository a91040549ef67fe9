import type { Instrumentation, InstrumentationHost } from '@forge/instrumentation';
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
      // One copy of the library may be reached twice, by `require` and by `import`.
      const undos = new Map<object, () => void>();
      const patchOnce = <P extends object>(
        prototype: P,
        patch: (of: P, by: InstrumentationHost) => () => void,
      ): void => {
        if (!undos.has(prototype)) undos.set(prototype, patch(prototype, host));
      };
      host.onModule('@grpc/grpc-js', (exports) => {
        const { Channel, Server } = exports as GrpcExports;
        patchOnce(Channel.prototype, patchChannel);
        patchOnce(Server.prototype, patchServer);
        return undefined;
      });
      return () => {
        for (const undo of undos.values()) undo();
        undos.clear();
      };
    },
  };
}
