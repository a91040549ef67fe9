import { withoutTracing, type SpanData } from '@forge/core';
import { exportError, type Exporter, type ExportResult } from '@forge/export';
import { createOtlpEncoder, encodeOtlpJson, type OtlpEncoder } from '@forge/formats';
import { Buffer } from 'node:buffer';
import { createGrpcTransport } from './grpc-transport.ts';
import { createHttpTransport } from './http-transport.ts';
import type { OtlpExporterOptions } from './options.ts';

const LARGEST_REQUEST = 3_900_000;

/**
 * Sends spans to an OTLP receiver: the OpenTelemetry Collector, Jaeger, Tempo, any vendor.
 * What may be tried again, and when, is by OTLP's rules; opens nothing before the first batch.
 * Throws FORGE_EXPORT_OPTION_INVALID for an endpoint that is none.
 */
export function createOtlpExporter(options: OtlpExporterOptions): Exporter {
  const { protocol = 'grpc', semconv = 'add', maxRequestBytes = LARGEST_REQUEST } = options;
  const transport = protocol === 'grpc' ? createGrpcTransport(options) : createHttpTransport(options);
  // An encoder's buffer is in use until its request is answered: one for each that is under way.
  const encoders: OtlpEncoder[] = [];
  let closed = false;

  async function deliver(batch: readonly SpanData[], signal: AbortSignal): Promise<ExportResult> {
    const encoder = encoders.pop() ?? createOtlpEncoder({ semconv });
    const body = protocol === 'http/json' ? Buffer.from(encodeOtlpJson(batch, { semconv })) : encoder.encode(batch);
    if (body.byteLength > maxRequestBytes && batch.length > 1) {
      encoders.push(encoder);
      const half = batch.length >> 1;
      return joined(await deliver(batch.slice(0, half), signal), await deliver(batch.slice(half), signal));
    }
    // After a failure the connection may still read from the buffer: it is left to it.
    const result = await transport.send(body, signal);
    encoders.push(encoder);
    return result;
  }

  return {
    name: 'otlp',
    async export(batch, signal) {
      if (closed) throw exportError('the exporter is shut down', { retryable: false });
      return withoutTracing(() => deliver(batch, signal));
    },
    async shutdown() {
      closed = true;
      transport.close();
    },
  };
}

function joined(a: ExportResult, b: ExportResult): ExportResult {
  const message = a.message ?? b.message;
  return { rejected: a.rejected + b.rejected, ...(message === undefined ? {} : { message }) };
}
