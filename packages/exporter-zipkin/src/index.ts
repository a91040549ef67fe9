/**
 * Sends spans to Zipkin.
 *
 * @example
 * const exporter = createZipkinExporter({ endpoint: 'http://zipkin:9411/api/v2/spans' });
 * const queue = createExportQueue(exporter, { diagnostics });
 *
 * @module
 */
export { createZipkinExporter, type ZipkinExporterOptions } from './zipkin-exporter.ts';
