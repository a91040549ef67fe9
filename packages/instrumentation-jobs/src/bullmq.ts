/**
 * Traces BullMQ: `job.dispatch` where a job is added, `job.execute` where it is worked on, in one trace.
 *
 * @example
 * const { Queue, Worker } = traceBullMq(bullmq);
 * const queue = new Queue('mail', { connection });
 * await queue.add('send_confirmation', { order: 7 }); // job.dispatch send_confirmation
 * new Worker('mail', (job) => send(job.data), { connection }); // job.execute send_confirmation
 *
 * @module
 */
export { traceBullMq } from './bull-classes.ts';
export { bullTelemetry, type BullTelemetry } from './bull-telemetry.ts';
