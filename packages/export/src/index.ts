/**
 * Delivery that loses nothing it promised: a bounded queue in front of each exporter, with batches, retries and a spool.
 *
 * @example
 * const queue = createExportQueue(exporter, { diagnostics });
 * const pipeline = createExportPipeline([queue]);
 * pipeline.push(span);
 * await pipeline.shutdown(5000);
 *
 * @module
 */
export { exportError, type ExportErrorCode, type ExportErrorOptions } from './errors.ts';
export type { Exporter, ExportResult } from './exporter.ts';
export { createFileSpool, type FileSpoolOptions } from './file-spool/file-spool.ts';
export type { ExportQueueOptions } from './options.ts';
export { createExportPipeline } from './pipeline.ts';
export { createExportQueue, type ExportQueue, type ExportQueueState, type SpanSink } from './queue.ts';
export type { Spool } from './spool.ts';
export type { Timers } from './timers.ts';
