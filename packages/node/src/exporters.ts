import type { ExportConfig } from '@forge/config';
import type { Diagnostics } from '@forge/core';
import { createExportQueue, createFileSpool, type Exporter, type ExportQueue } from '@forge/export';
import { createJaegerExporter } from '@forge/exporter-jaeger';
import { createOtlpExporter } from '@forge/exporter-otlp';
import { createZipkinExporter } from '@forge/exporter-zipkin';
import { decodeSpans, encodeSpans } from '@forge/formats';
import { join } from 'node:path';

/** The exporters of `[observability.export]`; nothing is opened yet. */
export function configuredExporters(config: ExportConfig): Exporter[] {
  const exporters: Exporter[] = [];
  if (config.otlpEndpoint !== undefined) {
    exporters.push(
      createOtlpExporter({
        endpoint: config.otlpEndpoint,
        protocol: config.otlpProtocol,
        headers: config.otlpHeaders,
        compression: config.otlpCompression,
        semconv: config.semconv,
      }),
    );
  }
  if (config.zipkinEndpoint !== undefined) exporters.push(createZipkinExporter({ endpoint: config.zipkinEndpoint }));
  if (config.jaegerEndpoint !== undefined) exporters.push(createJaegerExporter({ endpoint: config.jaegerEndpoint }));
  return exporters;
}

/** Puts a bounded queue in front of an exporter, and a spool of its own behind it where one is configured. */
export function queueFor(exporter: Exporter, config: ExportConfig, diagnostics: Diagnostics): ExportQueue {
  return createExportQueue(exporter, {
    diagnostics,
    maxQueuedSpans: config.queueMaxSpans,
    maxQueuedBytes: config.queueMaxBytes,
    maxBatchSpans: config.batchMaxSpans,
    delayMs: config.batchDelayMs,
    ...(exporter.name === 'otlp' ? { timeoutMs: config.otlpTimeoutMs } : {}),
    ...(config.spoolDir === undefined
      ? {}
      : {
          spool: createFileSpool({
            folder: join(config.spoolDir, exporter.name),
            codec: { encode: encodeSpans, decode: decodeSpans },
            diagnostics,
            maxBytes: config.spoolMaxBytes,
          }),
        }),
  });
}
