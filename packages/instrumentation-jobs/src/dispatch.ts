import { activeContext, contextWithSpan, isSuppressed, Kind, withoutTracing, type Span } from '@forge/core';
import { activeHost, runInSpan, type InstrumentationHost } from '@forge/instrumentation';
import { attachCarrier } from './job-data.ts';

/**
 * Traces handing a job to any queue: a `job.dispatch` span around `send`, whose trace context travels in the data.
 * What `send` itself does (the queue's own INSERT) makes no spans.
 *
 * @param jobType the kind of job, of low cardinality: `send_confirmation`
 * @param data anything that becomes JSON; `instrumentJob` gives it back as it was
 * @param send puts the data it is given into the queue. The job's id is read from what it returns: a string, a number
 * or an object's `id`.
 */
export function dispatchJob<R>(jobType: string, data: unknown, send: (data: unknown) => R): R {
  return dispatch(jobType, 1, (attach) => send(attach(data)));
}

/** Puts the trace context into a job's data. */
type Attach = (data: unknown) => unknown;

/**
 * The same for calls that hand over several jobs.
 * @param send calls the queue with each job's data passed through `attach`
 */
export function dispatch<R>(jobType: string, jobCount: number, send: (attach: Attach) => R): R {
  const host = activeHost('jobs');
  const context = activeContext();
  if (host === undefined || isSuppressed(context)) return send((data) => data);
  const span = startSpan(host, jobType, jobCount);
  if (span === undefined) return send((data) => data);
  const inSpan = contextWithSpan(context, span);
  const attach: Attach = (data) => {
    try {
      return attachCarrier(data, inSpan, host.propagation);
    } catch (fault) {
      host.fail('dispatch', fault);
      return data;
    }
  };
  return runInSpan(
    host,
    span,
    context,
    () => withoutTracing(() => send(attach)),
    (done, sent) => done.set('job_id', idOf(sent)),
  );
}

function startSpan(host: InstrumentationHost, jobType: string, jobCount: number): Span | undefined {
  try {
    const span = host.tracer.start('job.dispatch', Kind.producer);
    span.setResource(jobType).set('job_type', jobType);
    if (jobCount !== 1) span.set('job_count', jobCount);
    return span;
  } catch (fault) {
    host.fail('dispatch', fault);
    return undefined;
  }
}

/** The job's id in what a queue's send returned. */
function idOf(sent: unknown): string | undefined {
  if (Array.isArray(sent)) return sent.length === 1 ? idOf(sent[0]) : undefined;
  const id: unknown = typeof sent === 'object' && sent !== null ? (sent as { id?: unknown }).id : sent;
  if (typeof id === 'string') return id;
  return typeof id === 'number' ? String(id) : undefined;
}
