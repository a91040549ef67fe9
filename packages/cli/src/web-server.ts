import { ForgeError } from '@forge/core';
import { toNodeHandler } from '@forge/query/node';
import type { QueryHandler } from '@forge/query';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CliErrors } from './errors.ts';

export interface WebServer {
  /** `http://127.0.0.1:8080` */
  readonly url: string;
  /** Waits up to 2 s for answers under way, then ends them. */
  close(): Promise<void>;
}

const GRACE_MS = 2000;

/** Serves `handler` on an interface and a port; 0 takes any free one. @throws ForgeError where the port is used */
export async function startWebServer(handler: QueryHandler, host: string, port: number): Promise<WebServer> {
  const handle = toNodeHandler(handler);
  const server = createServer((request, response) => void handle(request, response));
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw listenFailure(error as NodeJS.ErrnoException, host, port);
  }
  const bound = server.address() as AddressInfo;
  const shown = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address;
  return {
    url: `http://${shown}:${bound.port}`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeIdleConnections();
      const timer = setTimeout(() => server.closeAllConnections(), GRACE_MS);
      await closed;
      clearTimeout(timer);
    },
  };
}

function listenFailure(error: NodeJS.ErrnoException, host: string, port: number): ForgeError {
  const reason =
    error.code === 'EADDRINUSE'
      ? `port ${port} of ${host} is used by another program; allowed: a free one, 0 for any (--port)`
      : error.code === 'EACCES'
        ? `port ${port} of ${host} is not open to this user; allowed: 1024 to 65535, 0 for any (--port)`
        : error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND'
          ? `${host} is no address of this machine; allowed: one of its own, 127.0.0.1, 0.0.0.0 (--host)`
          : `cannot listen on ${host}:${port}: ${error.message}`;
  return new ForgeError(CliErrors.listen, reason, { cause: error });
}
