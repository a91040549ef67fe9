/**
 * Sends spans to any OTLP receiver, over gRPC or HTTP.
 *
 * @example
 * const exporter = createOtlpExporter({ endpoint: 'http://otel-collector:4317' });
 * const queue = createExportQueue(exporter, { diagnostics });
 *
 * @module
 */
export { otlpTlsFromEnvironment } from './environment.ts';
export type { OtlpExporterOptions, OtlpProtocol } from './options.ts';
export { createOtlpExporter } from './otlp-exporter.ts';
