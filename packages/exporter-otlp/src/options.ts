import type { TlsOptions } from '@forge/export/http';
import type { SemconvMode } from '@forge/formats';

export type OtlpProtocol = 'grpc' | 'http/protobuf' | 'http/json';

export interface OtlpExporterOptions {
  /**
   * `http://collector:4317` for gRPC, `https:` for TLS; over HTTP the whole URL: where it has no path,
   * `/v1/traces` is meant.
   */
  readonly endpoint: string;
  /** Default `grpc`. */
  readonly protocol?: OtlpProtocol;
  /** Sent with every request: `{ authorization: 'Bearer ...' }`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Default `none`. */
  readonly compression?: 'gzip' | 'none';
  /** For `https:` endpoints: other authorities than the system's, a client certificate. */
  readonly tls?: TlsOptions;
  /** Whether OpenTelemetry's stable attributes are sent beside Forge's tags, instead of them, or not. Default `add`. */
  readonly semconv?: SemconvMode;
  /** A batch that is larger when encoded is sent in parts. Default 3,900,000: receivers refuse gRPC messages over 4 MiB. */
  readonly maxRequestBytes?: number;
}

/** What a transport of encoded batches does. */
export interface OtlpTransport {
  /** Spans that the receiver left out, and why. Rejects with a ForgeError. */
  send(body: Uint8Array, signal: AbortSignal): Promise<{ readonly rejected: number; readonly message?: string }>;
  close(): void;
}
