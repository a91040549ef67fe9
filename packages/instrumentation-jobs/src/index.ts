/**
 * Traces jobs from their dispatch to their execution, in one trace: pg-boss by itself, any other queue by two functions.
 *
 * @example
 * const boss = tracePgBoss(new PgBoss(url));
 * await boss.send('send_confirmation', { order: 7 }); // job.dispatch send_confirmation
 * await boss.work('send_confirmation', ([job]) => mail(job.data)); // job.execute send_confirmation, same trace
 *
 * @module
 */
export { dispatchJob } from './dispatch.ts';
export { instrumentJob, type JobRun } from './execute.ts';
export { tracePgBoss } from './pg-boss.ts';
export { jobs } from './plugin.ts';
