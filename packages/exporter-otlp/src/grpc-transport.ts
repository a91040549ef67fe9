import { exportError } from '@forge/export';
import { decodeOtlpResponse, decodeRpcStatus } from '@forge/formats';
import type { Client, ClientOptions, Metadata, ServiceError } from '@grpc/grpc-js';
import { Buffer } from 'node:buffer';
import { invalidEndpoint } from './invalid-endpoint.ts';
import type { OtlpExporterOptions, OtlpTransport } from './options.ts';

const EXPORT = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';

// https://opentelemetry.io/docs/specs/otlp/#failures: CANCELLED, DEADLINE_EXCEEDED, ABORTED, OUT_OF_RANGE, UNAVAILABLE, DATA_LOSS
const RETRYABLE = new Set([1, 4, 10, 11, 14, 15]);
const RESOURCE_EXHAUSTED = 8;

interface Connection {
  readonly client: Client;
  readonly metadata: Metadata;
}

/** OTLP over gRPC. The library is loaded, and a connection opened, by the first batch. */
export function createGrpcTransport(options: OtlpExporterOptions): OtlpTransport {
  const { target, secure } = targetOf(options.endpoint);
  let connection: Promise<Connection> | undefined;
  let closed = false;

  async function connect(): Promise<Connection> {
    const { Client, compressionAlgorithms, credentials, Metadata } = await import('@grpc/grpc-js');
    const { ca, cert, key } = options.tls ?? {};
    const channel: ClientOptions = {
      // The queue in front of this waits by itself; after that, the connection is to be tried at once.
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 2000,
      'grpc.enable_retries': 0,
      'grpc.default_compression_algorithm':
        options.compression === 'gzip' ? compressionAlgorithms.gzip : compressionAlgorithms.identity,
    };
    const using = secure ? credentials.createSsl(pem(ca), pem(key), pem(cert)) : credentials.createInsecure();
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(options.headers ?? {})) metadata.set(name.toLowerCase(), value);
    return { client: new Client(target, using, channel), metadata };
  }

  async function send(body: Uint8Array, signal: AbortSignal): ReturnType<OtlpTransport['send']> {
    if (closed) throw exportError('the exporter is shut down', { retryable: false });
    const { client, metadata } = await (connection ??= connect());
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(exportError(`${target}: aborted`, { retryable: true }));
        return;
      }
      const message = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
      const call = client.makeUnaryRequest(
        EXPORT,
        (bytes: Buffer) => bytes,
        (bytes: Buffer) => bytes,
        message,
        metadata,
        (error, answer) => {
          signal.removeEventListener('abort', cancel);
          if (error !== null) {
            reject(failure(target, error, signal));
            return;
          }
          const partial = answer === undefined ? undefined : decodeOtlpResponse(answer);
          resolve({ rejected: partial?.rejectedSpans ?? 0, ...(partial?.message ? { message: partial.message } : {}) });
        },
      );
      const cancel = (): void => call.cancel();
      signal.addEventListener('abort', cancel, { once: true });
    });
  }

  return {
    send,
    close() {
      closed = true;
      void connection?.then(({ client }) => client.close());
    },
  };
}

function failure(target: string, error: ServiceError, signal: AbortSignal): Error {
  const details = error.metadata?.get('grpc-status-details-bin')[0];
  const retryDelayMs = details instanceof Buffer ? decodeRpcStatus(details)?.retryDelayMs : undefined;
  const retryable = RETRYABLE.has(error.code) || (error.code === RESOURCE_EXHAUSTED && retryDelayMs !== undefined);
  const why = signal.aborted ? 'no answer in time' : error.details || error.message;
  return exportError(`${target}: ${why}`, {
    retryable,
    cause: error,
    ...(retryDelayMs === undefined ? {} : { retryAfterMs: retryDelayMs }),
  });
}

function targetOf(endpoint: string): { target: string; secure: boolean } {
  // Without a scheme, as gRPC's own targets are: `collector:4317`.
  const text = /^[a-z]+:\/\//i.test(endpoint) ? endpoint : `http://${endpoint}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.hostname === '') throw invalidEndpoint(endpoint);
  const secure = url.protocol === 'https:';
  return { target: `${url.hostname}:${url.port || (secure ? 443 : 4317)}`, secure };
}

function pem(text: string | Buffer | undefined): Buffer | null {
  if (text === undefined) return null;
  return typeof text === 'string' ? Buffer.from(text) : text;
}
