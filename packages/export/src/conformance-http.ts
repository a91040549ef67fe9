import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { gunzipSync } from 'node:zlib';
import type { BackendMood, ConformanceBackend } from './conformance-backend.ts';
import type { Exporter } from './exporter.ts';

export interface HttpBackendOptions {
  /** Makes the exporter under test for a server at `http://127.0.0.1:PORT`. */
  readonly createExporter: (origin: string) => Exporter;
  /** `trace id:span id` of the spans in a body, decompressed already. Throws for what is no such body. */
  readonly spansIn: (body: Buffer, request: IncomingMessage) => string[];
  /** Writes the answers of the protocol. */
  readonly answer: (mood: Exclude<BackendMood, 'hang'>, response: ServerResponse) => void;
}

/** A backend for protocols over HTTP: a real server that can be told to be busy, to refuse, to hang and to crash. */
export async function createHttpBackend(options: HttpBackendOptions): Promise<ConformanceBackend> {
  const received: string[] = [];
  const sockets = new Set<Socket>();
  let mood: BackendMood = 'accept';
  let port = 0;
  let server: Server | undefined;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    if (mood === 'hang') return;
    const sent = Buffer.concat(chunks);
    const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent;
    if (mood === 'accept') received.push(...options.spansIn(body, request));
    options.answer(mood, response);
  }

  async function listen(): Promise<void> {
    server = createServer((request, response) => {
      handle(request, response).catch((error: unknown) => {
        // A body that cannot be read is a failure of the exporter: the test sees it as a refusal.
        response.writeHead(400).end(String(error));
      });
    });
    server.on('connection', (socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    ({ port } = server.address() as AddressInfo);
  }

  async function crash(): Promise<void> {
    const closing = server;
    server = undefined;
    if (closing === undefined) return;
    closing.close();
    for (const socket of sockets) socket.destroy();
    await once(closing, 'close');
  }

  await listen();
  return {
    createExporter: () => options.createExporter(`http://127.0.0.1:${port}`),
    received: () => received,
    answer: (next) => void (mood = next),
    crash,
    recover: listen,
    connections: () => sockets.size,
    close: crash,
  };
}
