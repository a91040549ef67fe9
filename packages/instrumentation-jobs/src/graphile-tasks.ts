import { activeContext, Span, spanOf } from '@forge/core';
import { activeHost } from '@forge/instrumentation';
import { dispatch } from './dispatch.ts';
import { execute, type JobRun } from './execute.ts';
import { detachCarrier } from './job-data.ts';
import { once } from './once.ts';

/** What is read of a job of graphile-worker. */
interface GraphileJob {
  readonly id: string;
  readonly task_identifier: string;
  readonly attempts?: number;
  readonly run_at?: Date;
  readonly created_at?: Date;
}

interface Helpers {
  readonly job: GraphileJob;
  readonly addJob?: AddJob;
  readonly addJobs?: AddJobs;
}

type Task = (payload: unknown, helpers: Helpers) => unknown;
type AddJob = (identifier: string, payload?: unknown, ...rest: unknown[]) => unknown;
type AddJobs = (specs: readonly Spec[], ...rest: unknown[]) => unknown;

interface Spec {
  readonly identifier: string;
  readonly payload?: unknown;
}

/** The tasks with a `job.execute` span around each: for `run({ taskList: traceTasks(tasks) })`. */
export function traceTasks<T extends object>(tasks: T): T {
  return Object.fromEntries(
    Object.entries(tasks).map(([name, task]: [string, unknown]) => [
      name,
      typeof task === 'function' ? traceTask(task as Task) : task,
    ]),
  ) as T;
}

/** One task. */
export function traceTask(task: Task): Task {
  return once(task, () => (sent, helpers) => {
    const { job } = helpers;
    const parts = Array.isArray(sent) ? sent.map(detachCarrier) : [detachCarrier(sent)];
    const payload = Array.isArray(sent) ? parts.map((part) => part.data) : parts[0]?.data;
    const own = { ...helpers, ...traceAdders(helpers), job: { ...job, payload } };
    return execute(
      job.task_identifier,
      parts.map((part) => part.carrier),
      () => describeRun(job, parts.length),
      () => (Array.isArray(payload) ? batchResult(task(payload, own)) : task(payload, own)),
    );
  });
}

/** `addJob` and `addJobs` of runners, utilities and helpers, traced: a copy of what has them. */
export function traceAdders<A extends { addJob?: unknown; addJobs?: unknown }>(adder: A): A {
  const traced = { ...adder };
  if (typeof adder.addJob === 'function') traced.addJob = once(adder.addJob as AddJob, traceAddJob);
  if (typeof adder.addJobs === 'function') traced.addJobs = once(adder.addJobs as AddJobs, traceAddJobs);
  return traced;
}

function traceAddJob(addJob: AddJob): AddJob {
  return (identifier, payload, ...rest) =>
    dispatch(identifier, 1, (attach) => addJob(identifier, attachTo(payload, attach), ...rest));
}

function traceAddJobs(addJobs: AddJobs): AddJobs {
  return (specs, ...rest) => {
    const [first] = specs;
    if (first === undefined) return addJobs(specs, ...rest);
    const jobType = specs.every((spec) => spec.identifier === first.identifier) ? first.identifier : 'batch';
    return dispatch(jobType, specs.length, (attach) =>
      addJobs(
        specs.map((spec) => ({ ...spec, payload: attachTo(spec.payload, attach) })),
        ...rest,
      ),
    );
  };
}

/**
 * No payload is an empty one. An array is a batch, to which later jobs of the same key add: each of its elements carries
 * the dispatch that it came with.
 */
function attachTo(payload: unknown, attach: (data: unknown) => unknown): unknown {
  if (!Array.isArray(payload)) return attach(payload ?? {});
  return payload.map((element: unknown) =>
    typeof element === 'object' && element !== null ? attach(element) : element,
  );
}

/** A batch's task may return a promise for each element: those that reject are tried again. */
async function batchResult(returned: unknown): Promise<unknown> {
  const results = await returned;
  if (!Array.isArray(results)) return results;
  const failed = (await Promise.allSettled(results)).find((result) => result.status === 'rejected');
  if (failed !== undefined) recordPartFailure(failed.reason);
  return results;
}

function recordPartFailure(reason: unknown): void {
  const host = activeHost('jobs');
  const span = spanOf(activeContext());
  if (host === undefined || !(span instanceof Span)) return;
  try {
    span.fail(reason);
  } catch (fault) {
    host.fail('batch', fault);
  }
}

function describeRun(job: GraphileJob, jobCount: number): JobRun {
  const runAtMs = job.run_at?.getTime();
  const delayMs = (runAtMs ?? Number.NaN) - (job.created_at?.getTime() ?? Number.NaN);
  return {
    id: jobCount === 1 ? job.id : undefined,
    attempt: job.attempts,
    // By this node's clock against the database's: below nothing, their difference is all there is.
    queueMs: runAtMs === undefined ? undefined : Math.max(0, Date.now() - runAtMs),
    delayMs: job.attempts === 1 && delayMs > 0 ? delayMs : undefined,
  };
}
