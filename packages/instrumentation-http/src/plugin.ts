import type { Instrumentation } from '@forge/instrumentation';
import { CallSpans } from './called-request.ts';
import { traceClients } from './client.ts';
import type { HttpOptions } from './options.ts';
import { nameFastifyRoutes } from './fastify.ts';
import { traceHttp2Clients } from './http2-client.ts';
import { traceHttp2Servers } from './http2-server.ts';
import { RequestSpans } from './served-request.ts';
import { traceServers } from './server.ts';

/** Traces node:http and node:https: `http.request` for what is served, `http.client` for what is asked of others. */
export function http(options: HttpOptions = {}): Instrumentation {
  return {
    name: 'http',
    supports: [],
    enable(host) {
      const undos: (() => void)[] = [];
      if (options.server !== false) {
        const spans = new RequestSpans(host, options);
        undos.push(traceServers(host, spans), traceHttp2Servers(host, spans), nameFastifyRoutes(host));
        undos.push(host.diagnostics.register(() => ({ forge_http_unnamed_requests_total: spans.unnamed })));
      }
      if (options.client !== false) {
        const spans = new CallSpans(host, options);
        undos.push(traceClients(host, spans), traceHttp2Clients(host, spans));
      }
      return () => {
        // The last wrapper of a method comes off first.
        for (const undo of undos.reverse()) undo();
      };
    },
  };
}
