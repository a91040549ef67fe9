import {
  activeContext,
  contextWithSpan,
  isSuppressed,
  Kind,
  runInContext,
  withoutTracing,
  type Span,
} from '@forge/core';
import { activeHost, type InstrumentationHost } from '@forge/instrumentation';
import type { Context } from '@opentelemetry/api';
import { rootContext } from './execute.ts';
import { carrierFromText, carrierToText } from './job-data.ts';

/** BullMQ's idea of a context, opaque to it. */
interface BullContext {
  readonly context: Context;
  /** Whether what runs in it is the queue's own business: its commands to Redis. */
  readonly silent: boolean;
  /** What came with the job that is worked on: a retry goes on with it, not with the attempt that failed. */
  readonly carried: string;
}

/** BullMQ's telemetry interface, as far as it is used. */
interface BullSpan {
  setSpanOnContext(context: BullContext): BullContext;
  setAttribute(key: string, value: unknown): void;
  setAttributes(attributes: Readonly<Record<string, unknown>>): void;
  addEvent(name: string, attributes?: Readonly<Record<string, unknown>>): void;
  recordException(error: unknown): void;
  end(): void;
}

export interface BullTelemetry {
  readonly tracer: {
    startSpan(name: string, options?: { readonly kind: number }, context?: BullContext): BullSpan;
  };
  readonly contextManager: {
    with<F extends (...args: never[]) => unknown>(context: BullContext, fn: F): ReturnType<F>;
    active(): BullContext;
    root(): BullContext;
    getMetadata(context: BullContext): string;
    fromMetadata(active: BullContext, metadata: string): BullContext;
  };
}

/** Which of BullMQ's spans become ours: putting jobs in, working on them, or neither. */
type Roles = 'all' | 'none';

/**
 * The `telemetry` option of BullMQ's queues, workers and flow producers: `new Queue('mail', { connection, telemetry })`.
 * Of BullMQ's many spans only two kinds are kept, as `job.dispatch` and `job.execute`. `traceBullMq` knows more of a job
 * (its times, its error's stack, whether cron made it): use it where you can.
 */
export function bullTelemetry(): BullTelemetry {
  return createBullTelemetry('all');
}

export function createBullTelemetry(roles: Roles): BullTelemetry {
  return {
    tracer: {
      startSpan(name, options, context) {
        const host = activeHost('jobs');
        if (roles === 'none' || host === undefined) return SILENT;
        // The jobs of a flow have a dispatch each.
        if (name.startsWith('addFlow') || name.startsWith('addBulkFlows')) return SILENT;
        if (options?.kind === Kind.producer && !name.startsWith('retryJobs')) return dispatchSpan(host, name);
        if (options?.kind === Kind.consumer)
          return executeSpan(host, context?.context ?? rootContext, context?.carried ?? '');
        return SILENT;
      },
    },
    contextManager: {
      with(context, fn) {
        const run = fn as unknown as () => ReturnType<typeof fn>;
        if (!context.silent) return runInContext(context.context, run);
        return runInContext(context.context, () =>
          withoutTracing(() => {
            around.set(activeContext(), context.context);
            return run();
          }),
        );
      },
      active: () => ({ context: activeContext(), silent: false, carried: carriedBy(activeContext()) }),
      root: () => ({ context: rootContext, silent: true, carried: '' }),
      getMetadata: (context) => context.carried,
      fromMetadata(_active, metadata) {
        const host = activeHost('jobs');
        if (host === undefined) return { context: rootContext, silent: false, carried: metadata };
        try {
          const headers = carrierFromText(metadata)?.headers ?? {};
          const context = host.propagation.extract(rootContext, (header) => headers[header], 'job://bullmq');
          return { context, silent: false, carried: metadata };
        } catch (fault) {
          host.fail('job metadata', fault);
          return { context: rootContext, silent: false, carried: metadata };
        }
      },
    },
  };
}

// The contexts around those in which BullMQ goes about its own business: a flow adds its jobs from within.
const around = new WeakMap<Context, Context>();

// By context, for what BullMQ does in a job's context without handing it on.
const carriedByContext = new WeakMap<Context, string>();

function carriedBy(context: Context): string {
  return carriedByContext.get(context) ?? '';
}

/** Everything else that BullMQ does: no span, and nothing in it is traced. */
const SILENT: BullSpan = {
  setSpanOnContext: (context) => ({ ...context, silent: true }),
  setAttribute: () => undefined,
  setAttributes: () => undefined,
  addEvent: () => undefined,
  recordException: () => undefined,
  end: () => undefined,
};

/** `add queue.name`, `addBulk queue`, `addNode queue`: the job's name comes as an attribute, when it is known. */
function dispatchSpan(host: InstrumentationHost, name: string): BullSpan {
  const parent = around.get(activeContext()) ?? activeContext();
  if (isSuppressed(parent)) return SILENT;
  const span = guarded(host, () =>
    host.tracer.start('job.dispatch', Kind.producer, parent).set('queue', queueOf(name)),
  );
  if (span === undefined) return SILENT;
  return adapt(host, span, () => {
    const context = contextWithSpan(parent, span);
    return { context, silent: true, carried: guarded(host, () => carrierToText(context, host.propagation)) ?? '' };
  });
}

/** The part between `add ` and the job's name. */
function queueOf(name: string): string {
  const destination = name.slice(name.indexOf(' ') + 1);
  const dot = destination.indexOf('.');
  return dot < 0 ? destination : destination.slice(0, dot);
}

function executeSpan(host: InstrumentationHost, parent: Context, carried: string): BullSpan {
  const span = guarded(host, () => host.tracer.start('job.execute', Kind.consumer, parent));
  if (span === undefined) return SILENT;
  return adapt(host, span, () => {
    const context = contextWithSpan(parent, span);
    carriedByContext.set(context, carried);
    return { context, silent: false, carried };
  });
}

function adapt(host: InstrumentationHost, span: Span, onContext: () => BullContext): BullSpan {
  const act = (fn: () => unknown): void => void guarded(host, fn);
  const setAttribute = (key: string, value: unknown): void => act(() => setTag(span, key, value));
  return {
    setSpanOnContext: onContext,
    setAttribute,
    setAttributes: (attributes) => {
      for (const key of Object.keys(attributes)) setAttribute(key, attributes[key]);
    },
    // The processor's error itself is not handed over, nor by recordException: only its message.
    addEvent: (name, attributes) => {
      if (name === 'job failed') {
        act(() => span.fail({ name: 'Error', message: String(attributes?.['bullmq.job.failed.reason']) }));
      }
    },
    recordException: (error) => act(() => span.fail(error)),
    end: () => act(() => span.end()),
  };
}

function setTag(span: Span, key: string, value: unknown): void {
  switch (key) {
    case 'bullmq.job.name':
      if (typeof value === 'string') span.setResource(value).set('job_type', value);
      return;
    case 'bullmq.job.id':
      if (typeof value === 'string') span.set('job_id', value);
      return;
    case 'bullmq.queue.name':
      if (typeof value === 'string') span.set('queue', value);
      return;
    case 'bullmq.job.attempts.made':
      if (typeof value === 'number') span.set('attempt', value);
      return;
    case 'bullmq.job.bulk.names': {
      const names = Array.isArray(value) ? (value as string[]) : [];
      const jobType = new Set(names).size === 1 ? String(names[0]) : 'batch';
      span.setResource(jobType).set('job_type', jobType).set('job_count', names.length);
    }
  }
}

function guarded<T>(host: InstrumentationHost, fn: () => T): T | undefined {
  try {
    return fn();
  } catch (fault) {
    host.fail('bullmq', fault);
    return undefined;
  }
}
