import { ForgeContext, Kind, runInContext, spanOf, type Span } from '@forge/core';
import { activeHost, runInSpan, type InstrumentationHost } from '@forge/instrumentation';
import { ROOT_CONTEXT, type Context } from '@opentelemetry/api';
import { detachCarrier, type JobCarrier } from './job-data.ts';

/** A job's context comes from its dispatch alone, never from the code that polls the queue. */
export const rootContext: Context = new ForgeContext(ROOT_CONTEXT, undefined, false, undefined, undefined);

/** What a queue knows of a job that it hands out. */
export interface JobRun {
  readonly id?: string | undefined;
  /** 1 at first, 2 at the first retry. */
  readonly attempt?: number | undefined;
  /** Milliseconds that the job was ready before it was taken. */
  readonly queueMs?: number | undefined;
  /** Milliseconds that it was to wait by its dispatcher's wish. */
  readonly delayMs?: number | undefined;
}

/**
 * Wraps a handler of any queue: each call becomes a `job.execute` span in the trace of the job's dispatch, with the
 * handler running in it. The data is given to the handler as `dispatchJob` got it.
 *
 * @param jobType as given to `dispatchJob`
 * @param handler its first argument is the job's data
 * @param describe what the queue knows of a run, from the handler's other arguments
 */
export function instrumentJob<H extends (data: never, ...rest: never[]) => unknown>(
  jobType: string,
  handler: H,
  describe?: (...rest: RestOf<H>) => JobRun,
): (data: unknown, ...rest: RestOf<H>) => ReturnType<H> {
  const run = handler as unknown as (data: unknown, ...rest: RestOf<H>) => ReturnType<H>;
  return (sent, ...rest) => {
    const { data, carrier } = detachCarrier(sent);
    return execute(
      jobType,
      [carrier],
      () => {
        const at = carrier?.dispatchedAtMs;
        // Two nodes' clocks: below nothing, their difference is all there is.
        const queueMs = at === undefined ? undefined : Math.max(0, Date.now() - at);
        return { queueMs, ...describe?.(...rest) };
      },
      () => run(data, ...rest),
    );
  };
}

type RestOf<H extends (...args: never[]) => unknown> = Parameters<H> extends [unknown?, ...infer Rest] ? Rest : never[];

/**
 * Runs `handler` for one job or a batch of them in a `job.execute` span: a child of the first job's dispatch, linked to
 * those of the others. Without the plugin it only leaves the poller's context.
 */
export function execute<R>(
  jobType: string,
  carriers: readonly (JobCarrier | undefined)[],
  describe: () => JobRun,
  handler: () => R,
  isFailure?: (error: unknown) => boolean,
): R {
  const host = activeHost('jobs');
  const started = host && startSpan(host, jobType, carriers, describe);
  if (host === undefined || started === undefined) return runInContext(rootContext, handler);
  return runInSpan(host, started.span, started.parent, handler, undefined, isFailure);
}

function startSpan(
  host: InstrumentationHost,
  jobType: string,
  carriers: readonly (JobCarrier | undefined)[],
  describe: () => JobRun,
): { span: Span; parent: Context } | undefined {
  try {
    const origins = dispatchContexts(host, jobType, carriers);
    const parent = origins[0] ?? rootContext;
    const span = host.tracer.start('job.execute', Kind.consumer, parent);
    span.setResource(jobType).set('job_type', jobType);
    if (carriers.length !== 1) span.set('job_count', carriers.length);
    for (const origin of origins.slice(1)) {
      const context = spanOf(origin)?.spanContext();
      if (context !== undefined) span.addLink({ context });
    }
    const { id, attempt, queueMs, delayMs } = describe();
    span.set('job_id', id).set('attempt', attempt).set('queue_ms', queueMs).set('delay_ms', delayMs);
    return { span, parent };
  } catch (fault) {
    host.fail('execute', fault);
    return undefined;
  }
}

/** The contexts of the jobs' dispatches, each once, in the order of the jobs. */
function dispatchContexts(
  host: InstrumentationHost,
  jobType: string,
  carriers: readonly (JobCarrier | undefined)[],
): Context[] {
  const contexts: Context[] = [];
  const seen = new Set<string>();
  for (const carrier of carriers) {
    if (carrier === undefined) continue;
    const context = host.propagation.extract(rootContext, (name) => carrier.headers[name], `job://${jobType}`);
    const id = spanOf(context)?.spanContext().spanId;
    if (id === undefined || seen.has(id)) continue;
    seen.add(id);
    contexts.push(context);
  }
  return contexts;
}
