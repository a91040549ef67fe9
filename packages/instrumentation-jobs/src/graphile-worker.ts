/**
 * Traces graphile-worker: `job.dispatch` where a job is added, `job.execute` around its task, in one trace.
 *
 * @example
 * const { run, makeWorkerUtils } = traceGraphileWorker(graphileWorker);
 * const utils = await makeWorkerUtils({ connectionString });
 * await utils.addJob('send_confirmation', { order: 7 }); // job.dispatch send_confirmation
 * await run({ connectionString, taskList: { send_confirmation } }); // job.execute send_confirmation
 *
 * @module
 */
export { traceGraphileWorker } from './graphile-functions.ts';
export { traceTasks } from './graphile-tasks.ts';
