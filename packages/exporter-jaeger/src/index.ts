/**
 * Sends spans to Jaeger as Thrift over HTTP.
 *
 * @example
 * const exporter = createJaegerExporter({ endpoint: 'http://jaeger:14268/api/traces' });
 * const queue = createExportQueue(exporter, { diagnostics });
 *
 * @module
 */
export { createJaegerExporter, type JaegerExporterOptions } from './jaeger-exporter.ts';
