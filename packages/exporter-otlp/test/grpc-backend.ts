import type { Exporter } from '@forge/export';
import type { BackendMood, ConformanceBackend } from '@forge/export/conformance';
import { decodeOtlpProtobuf, encodeOtlpResponse, encodeRpcStatus } from '@forge/formats';
import { Metadata, Server, ServerCredentials, status, type sendUnaryData, type ServerUnaryCall } from '@grpc/grpc-js';
import type { Socket } from 'node:net';

const METHOD = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';

export interface GrpcBackendOptions {
  readonly credentials?: ServerCredentials;
  /** How `busy` is said: RESOURCE_EXHAUSTED with or without RetryInfo; UNAVAILABLE by default. */
  readonly exhausted?: { readonly retryDelayMs: number | undefined };
  /** Filled with the metadata of every call. */
  readonly metadata?: Record<string, unknown>[];
  readonly response?: Uint8Array;
}

/** A real gRPC server with OTLP's one method. */
export async function createGrpcBackend(
  createExporter: (endpoint: string) => Exporter,
  options: GrpcBackendOptions = {},
): Promise<ConformanceBackend> {
  const received: string[] = [];
  const sockets = new Set<Socket>();
  let mood: BackendMood = 'accept';
  let port = 0;
  let server: Server | undefined;

  function handle(call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>): void {
    options.metadata?.push(call.metadata.getMap());
    if (mood === 'hang') return;
    if (mood === 'accept') {
      received.push(...decodeOtlpProtobuf(call.request).spans.map(({ traceId, spanId }) => `${traceId}:${spanId}`));
      answer(null, Buffer.from(options.response ?? encodeOtlpResponse()));
      return;
    }
    const metadata = new Metadata();
    const exhausted = mood === 'busy' ? options.exhausted : undefined;
    const code =
      mood === 'refuse'
        ? status.INVALID_ARGUMENT
        : exhausted === undefined
          ? status.UNAVAILABLE
          : status.RESOURCE_EXHAUSTED;
    const { retryDelayMs } = exhausted ?? {};
    if (retryDelayMs !== undefined)
      metadata.set('grpc-status-details-bin', Buffer.from(encodeRpcStatus({ code, message: mood, retryDelayMs })));
    answer({ code, details: `told to ${mood}`, metadata });
  }

  async function listen(): Promise<void> {
    const bytes = {
      requestSerialize: asIs,
      requestDeserialize: asIs,
      responseSerialize: asIs,
      responseDeserialize: asIs,
    };
    server = new Server();
    server.addService(
      { export: { path: METHOD, requestStream: false, responseStream: false, ...bytes } },
      { export: handle },
    );
    const credentials = options.credentials ?? ServerCredentials.createInsecure();
    const bound = server;
    port = await new Promise<number>((resolve, reject) => {
      bound.bindAsync(`127.0.0.1:${port}`, credentials, (error, free) =>
        error === null ? resolve(free) : reject(error),
      );
    });
    watch(bound);
  }

  /** grpc-js keeps its HTTP/2 servers to itself: their sockets are seen where they are made. */
  function watch(bound: Server): void {
    const { http2Servers } = bound as unknown as {
      http2Servers: Map<{ on(event: string, listener: (socket: Socket) => void): void }, unknown>;
    };
    for (const http2Server of http2Servers.keys())
      http2Server.on('connection', (socket) => {
        sockets.add(socket);
        socket.on('close', () => sockets.delete(socket));
      });
  }

  async function crash(): Promise<void> {
    const closing = server;
    server = undefined;
    if (closing === undefined) return;
    closing.forceShutdown();
    for (const socket of sockets) socket.destroy();
  }

  await listen();
  const scheme = options.credentials === undefined ? 'http' : 'https';
  return {
    createExporter: () => createExporter(`${scheme}://127.0.0.1:${port}`),
    received: () => received,
    answer: (next) => void (mood = next),
    crash,
    recover: listen,
    connections: () => sockets.size,
    close: crash,
  };
}

function asIs(bytes: Buffer): Buffer {
  return bytes;
}
