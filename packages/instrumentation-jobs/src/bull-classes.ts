import { ForgeContextManager, runInContext, withoutTracing } from '@forge/core';
import { createBullTelemetry } from './bull-telemetry.ts';
import { execute, rootContext, type JobRun } from './execute.ts';
import { carrierFromText } from './job-data.ts';
import { once } from './once.ts';

type Class = abstract new (...args: never[]) => object;
type Processor = (this: unknown, job: BullJob, ...rest: unknown[]) => unknown;

/** What is read of a BullMQ job. */
interface BullJob {
  readonly id?: string;
  readonly name: string;
  readonly attemptsMade?: number;
  /** Unix milliseconds. */
  readonly timestamp?: number;
  readonly processedOn?: number;
  readonly opts?: { readonly delay?: number; readonly telemetry?: { readonly metadata?: string } };
  /** Set on jobs that a scheduler (cron) made. */
  readonly repeatJobKey?: string;
}

const contexts = new ForgeContextManager();
const dispatches = createBullTelemetry('all');
const silent = createBullTelemetry('none');

/** Wraps BullMQ's classes; those that are missing are left out. */
export const BULL_CLASSES = {
  Queue: (Queue: Class) => traceProducer(Queue, 1),
  FlowProducer: (FlowProducer: Class) => traceProducer(FlowProducer, 0),
  Worker: traceWorker,
};

/**
 * BullMQ's classes, traced: `const { Queue, Worker } = traceBullMq(bullmq)`. Instances get Forge's telemetry unless they
 * are given another; a worker's processor runs in its job's context, and its polling is not traced.
 */
export function traceBullMq<M extends object>(bullmq: M): M {
  const classes: Record<string, unknown> = {};
  for (const [name, wrap] of Object.entries(BULL_CLASSES)) {
    const original: unknown = Reflect.get(bullmq, name);
    if (typeof original === 'function') classes[name] = wrap(original as unknown as Class);
  }
  return { ...bullmq, ...classes };
}

function traceProducer(original: Class, optionsAt: number): Class {
  return traceClass(original, (args) => {
    args[optionsAt] = withTelemetry(args[optionsAt], dispatches);
  });
}

/** new Worker(queueName, processor?, options?): a processor that is a file runs in a process of its own. */
function traceWorker(original: Class): Class {
  return traceClass(original, (args) => {
    const [, processor] = args;
    if (hasTelemetry(args[2])) return;
    if (typeof processor === 'function') args[1] = traceProcessor(processor as Processor);
    args[2] = withTelemetry(args[2], typeof processor === 'function' ? silent : dispatches);
  });
}

function traceClass(original: Class, prepare: (args: unknown[]) => void): Class {
  return once(
    original,
    () =>
      new Proxy(original, {
        construct(target, args: unknown[], newTarget) {
          const own = [...args];
          prepare(own);
          // Connections, timers and loops keep the context that they were made in; the application's listeners do not.
          const made = untraced(() => Reflect.construct(target, own, newTarget) as object);
          return contexts.bind(rootContext, made);
        },
      }),
  );
}

function withTelemetry(options: unknown, telemetry: object): unknown {
  if (hasTelemetry(options)) return options;
  if (options !== undefined && (typeof options !== 'object' || options === null)) return options;
  return { ...options, telemetry };
}

function hasTelemetry(options: unknown): boolean {
  return typeof options === 'object' && options !== null && Reflect.get(options, 'telemetry') !== undefined;
}

function traceProcessor(processor: Processor): Processor {
  const traced: Processor = function (job, ...rest) {
    // A scheduler hands the first job's context on to all that follow: each of them starts a trace of its own.
    const metadata = job.repeatJobKey === undefined ? job.opts?.telemetry?.metadata : undefined;
    return execute(
      job.name,
      [typeof metadata === 'string' ? carrierFromText(metadata) : undefined],
      () => describeRun(job),
      () => Reflect.apply(processor, this, [job, ...rest]),
      isFailure,
    );
  };
  // Whether BullMQ hands over an abort signal depends on the length.
  return Object.defineProperties(traced, {
    name: { value: processor.name, configurable: true },
    length: { value: processor.length, configurable: true },
  });
}

function describeRun(job: BullJob): JobRun {
  const attempt = (job.attemptsMade ?? 0) + 1;
  const delayMs = job.opts?.delay ?? 0;
  const readyMs = (job.timestamp ?? Number.NaN) + delayMs;
  const queueMs = (job.processedOn ?? Number.NaN) - readyMs;
  return {
    id: job.id,
    attempt,
    // When a retry was ready is not known.
    queueMs: attempt === 1 && !Number.isNaN(queueMs) ? Math.max(0, queueMs) : undefined,
    delayMs: attempt === 1 && delayMs > 0 ? delayMs : undefined,
  };
}

/** BullMQ's processors throw to put a job off, too. */
function isFailure(error: unknown): boolean {
  const { name, message } = (error ?? {}) as { name?: unknown; message?: unknown };
  const isPutOff = name === 'DelayedError' || name === 'WaitingError' || name === 'WaitingChildrenError';
  return !isPutOff && message !== 'bullmq:rateLimitExceeded';
}

function untraced<T>(fn: () => T): T {
  return runInContext(rootContext, () => withoutTracing(fn));
}
