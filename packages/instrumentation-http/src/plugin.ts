import type { Instrumentation } from '@forge/instrumentation';
import { traceClients } from './client.ts';
import type { HttpOptions } from './options.ts';
import { traceServers } from './server.ts';

/** Traces node:http and node:https: `http.request` for what is served, `http.client` for what is asked of others. */
export function http(options: HttpOptions = {}): Instrumentation {
  return {
    name: 'http',
    supports: [],
    enable(host) {
      const undos: (() => void)[] = [];
      if (options.server !== false) undos.push(traceServers(host, options));
      if (options.client !== false) undos.push(traceClients(host, options));
      return () => {
        for (const undo of undos) undo();
      };
    },
  };
}
