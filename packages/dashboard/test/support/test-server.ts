import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import type { SpanData } from '@forge/core';
import { createQueryHandler } from '@forge/query';
import { toNodeHandler } from '@forge/query/node';
import { createMemoryStore, type TraceGap, type TraceStore } from '@forge/storage';
import { createDashboardHandler } from '../../src/index.ts';
import { columnsOfTraceId } from './shapes.ts';

/** The viewer beside the real API over a store in memory, on a free port of this machine. */
export interface TestServer {
  readonly url: string;
  readonly store: TraceStore;
  /** Paths asked for, the API's and the files', newest last. */
  readonly requests: string[];
  /** What is missing of a trace. */
  readonly gaps: Map<string, readonly TraceGap[]>;
  /** Answers instead of the API: a status for every path that begins so. */
  readonly failures: Map<string, number>;
  close(): Promise<void>;
}

export interface TestServerOptions {
  readonly dir: string;
  readonly basePath?: string;
  readonly spans?: readonly SpanData[];
  /** Nobody needs one where left out. */
  readonly readToken?: string;
  readonly port?: number;
}

export async function startTestServer(options: TestServerOptions): Promise<TestServer> {
  const memory = createMemoryStore();
  await memory.write(options.spans ?? []);
  const gaps = new Map<string, readonly TraceGap[]>();
  const store: TraceStore = {
    ...memory,
    async trace(traceId) {
      const trace = await memory.trace(traceId);
      const missing = gaps.get(traceId);
      return trace === undefined || missing === undefined ? trace : { ...trace, kept: 'error', gaps: missing };
    },
  };
  const requests: string[] = [];
  const failures = new Map<string, number>();
  const access = options.readToken === undefined ? {} : { readToken: options.readToken };
  const api = toNodeHandler(createQueryHandler({ store, retention: '7 days', ...access }));
  const dashboard = createDashboardHandler({ dir: options.dir, basePath: options.basePath ?? '/' });
  const files = toNodeHandler(async (request) => dashboard(request));
  const shapes = new Map<string, Buffer>();

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '/';
    requests.push(path);
    for (const [prefix, status] of failures) {
      if (!path.startsWith(prefix)) continue;
      response.writeHead(status, { 'content-type': 'application/problem+json' });
      response.end(JSON.stringify({ title: 'Test', status, detail: `made to fail with ${status}` }));
      return;
    }
    const shapeId = /^\/_api\/traces\/([0-9a-f]{32})\/columns$/.exec(path)?.[1];
    const columns = shapeId === undefined ? undefined : (shapes.get(shapeId) ?? compress(shapeId));
    if (columns !== undefined) {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
      response.end(columns);
      return;
    }
    await (path.startsWith('/_api') ? api : files)(request, response);
  }

  function compress(traceId: string): Buffer | undefined {
    const columns = columnsOfTraceId(traceId);
    if (columns === undefined) return undefined;
    const bytes = gzipSync(JSON.stringify(columns), { level: 1 });
    shapes.set(traceId, bytes);
    return bytes;
  }

  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    store,
    requests,
    gaps,
    failures,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
