/**
 * Mounts the handler on `node:http`, and on what is built on it (Fastify's `request.raw` and `reply.raw`).
 *
 * @example
 * const handle = toNodeHandler(createQueryHandler({ store }));
 * createServer((request, response) => void handle(request, response)).listen(8080, '127.0.0.1');
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { once } from 'node:events';
import type { QueryHandler } from './handler.ts';

/** Resolves when the answer is written, or the client has gone. Never rejects. */
export type NodeHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** Bodies stream both ways at the reader's pace; a client that leaves aborts the request's signal. */
export function toNodeHandler(handler: QueryHandler): NodeHandler {
  return async (incoming, outgoing) => {
    const gone = new AbortController();
    outgoing.once('close', () => {
      if (!outgoing.writableFinished) gone.abort();
    });
    const request = toRequest(incoming, gone.signal);
    if (request === undefined) {
      outgoing.writeHead(400).end();
      return;
    }
    const response = await handler(request, { address: incoming.socket.remoteAddress });
    try {
      // A body that nobody wants is not waited for: a refused gigabyte ends with the connection.
      if (!incoming.complete) outgoing.shouldKeepAlive = false;
      await send(response, outgoing, gone.signal);
    } catch {
      // The head is out, or the client has gone: breaking the connection is the only way to say so.
      outgoing.destroy();
    }
  };
}

function toRequest(incoming: IncomingMessage, signal: AbortSignal): Request | undefined {
  const headers = new Headers();
  try {
    for (let i = 0; i < incoming.rawHeaders.length; i += 2)
      headers.append(incoming.rawHeaders[i], incoming.rawHeaders[i + 1]);
    const method = incoming.method ?? 'GET';
    const path = incoming.url ?? '/';
    const hasBody = method !== 'GET' && method !== 'HEAD';
    // Glued, not resolved: `//evil/path` is a path here. Who is asked is in the Host header, which goes along.
    return new Request(path.startsWith('/') ? `http://localhost${path}` : path, {
      method,
      headers,
      signal,
      ...(hasBody ? { body: Readable.toWeb(incoming) as ReadableStream, duplex: 'half' } : {}),
    });
  } catch {
    return undefined; // A method, header or URL that fetch's rules refuse.
  }
}

async function send(response: Response, outgoing: ServerResponse, signal: AbortSignal): Promise<void> {
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  if (response.body === null) {
    outgoing.end();
    return;
  }
  const reader = response.body.getReader();
  // A live stream may be silent for long: cancelling ends the read that waits.
  signal.addEventListener('abort', () => void reader.cancel().catch(() => undefined), { once: true });
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (!outgoing.write(value)) await once(outgoing, 'drain', { signal });
    }
    outgoing.end();
  } catch (error) {
    await reader.cancel(error).catch(() => undefined);
    throw error;
  }
}
