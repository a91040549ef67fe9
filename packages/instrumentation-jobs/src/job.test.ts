import { activeContext, isSuppressed, spanOf } from '@forge/core';
import { createRegistry, installRegistry, type InstrumentationRegistry } from '@forge/instrumentation';
import { describeInstrumentation } from '@forge/instrumentation/conformance';
import { createPropagation } from '@forge/propagation';
import { createRecorder, type Recorder } from '@forge/testing';
import { anything, assert, asyncProperty, jsonValue } from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dispatchJob, instrumentJob, jobs } from './index.ts';
import { detachCarrier } from './job-data.ts';

let recorder: Recorder;
let registry: InstrumentationRegistry;
let uninstall: () => void;

beforeEach(() => {
  recorder = createRecorder();
  registry = createRegistry({
    provider: recorder.provider,
    propagation: createPropagation(),
    diagnostics: recorder.diagnostics,
  });
  registry.enable([jobs()]);
  uninstall = installRegistry(registry);
});

afterEach(() => {
  registry.disable();
  uninstall();
});

/** A queue that keeps jobs as JSON, as all do. */
function createQueue(): { send(data: unknown): { id: number }; take(): unknown } {
  const waiting: string[] = [];
  return {
    send: (data) => ({ id: waiting.push(JSON.stringify({ data })) }),
    take: () => (JSON.parse(waiting.shift()!) as { data?: unknown }).data,
  };
}

describe('any queue', () => {
  it('carries the trace from the dispatch to the execution', async () => {
    const queue = createQueue();
    const handler = instrumentJob(
      'mail',
      async (data: unknown, n: number) => [data, n, spanOf(activeContext())],
      (n) => ({
        id: `job-${n}`,
        attempt: n,
      }),
    );
    expect(dispatchJob('mail', { to: 'ann' }, (data) => queue.send(data))).toEqual({ id: 1 });
    expect(await handler(queue.take(), 2)).toEqual([{ to: 'ann' }, 2, recorder.only('job.execute')]);
    expect(recorder.tree()).toEqual(['job.dispatch mail', '  job.execute mail']);
    expect(recorder.tags(recorder.only('job.dispatch'))).toEqual({ job_type: 'mail', job_id: '1' });
    expect(recorder.tags(recorder.only('job.execute'))).toEqual({
      job_type: 'mail',
      job_id: 'job-2',
      attempt: 2,
      queue_ms: expect.any(Number) as unknown,
    });
  });

  it('what sending does is not traced', () => {
    dispatchJob('mail', {}, () => expect(isSuppressed(activeContext())).toBe(true));
  });

  it('errors of both sides are recorded and passed on, thrown or rejected', async () => {
    const oops = new Error('oops');
    const fail = (): never => {
      throw oops;
    };
    expect(() => dispatchJob('mail', {}, fail)).toThrow(oops);
    await expect(dispatchJob('mail', {}, () => Promise.reject(oops))).rejects.toBe(oops);
    expect(() => instrumentJob('mail', fail)(1)).toThrow(oops);
    await expect(instrumentJob('mail', async () => fail())(1)).rejects.toBe(oops);
    expect(recorder.spans.map((span) => [span.name, span.status, span.statusMessage])).toEqual([
      ['job.dispatch', 2, 'oops'],
      ['job.dispatch', 2, 'oops'],
      ['job.execute', 2, 'oops'],
      ['job.execute', 2, 'oops'],
    ]);
  });

  it('works as without tracing when no tracer runs', () => {
    const queue = createQueue();
    dispatchJob('mail', { a: 1 }, queue.send);
    registry.disable();
    expect(instrumentJob('mail', (data) => data)(queue.take())).toEqual({ a: 1 });
    dispatchJob('mail', [1], queue.send);
    expect(queue.take()).toEqual([1]);
    expect(recorder.names()).toEqual(['job.dispatch']);
  });

  it('whatever the data, the handler gets what JSON makes of it', async () => {
    await assert(
      asyncProperty(jsonValue(), async (data) => {
        const queue = createQueue();
        dispatchJob('any', data, queue.send);
        expect(instrumentJob('any', (given) => given)(queue.take())).toEqual(JSON.parse(JSON.stringify(data)));
        dispatchJob('any', undefined, queue.send);
        expect(instrumentJob('any', (given) => given)(queue.take())).toBeUndefined();
      }),
    );
  });
});

describe('data that was not dispatched with a trace', () => {
  it('passes untouched, the same object', async () => {
    await assert(
      asyncProperty(anything(), async (data) => {
        expect(detachCarrier(data).data).toBe(data);
      }),
    );
    const own = { __forge: 'theirs', a: 1 };
    expect(detachCarrier(own)).toEqual({ data: own, carrier: undefined });
  });
});

describeInstrumentation('jobs', {
  make: jobs,
  open: createQueue,
  cases: {
    'a job': {
      run: async (queue, seen) => {
        const sent = dispatchJob('mail', { to: 'ann' }, queue.send);
        seen.caller('after the dispatch');
        const handle = instrumentJob('mail', async (data: unknown) => {
          await Promise.resolve();
          seen.within('job.execute', 'in the handler');
          return data;
        });
        return [sent, await handle(queue.take())];
      },
      spans: ['job.dispatch mail', '  job.execute mail'],
      spansWithoutTracing: ['job.execute mail'],
      tags: { 'job.dispatch mail': { job_type: 'mail', job_id: '1' } },
    },
    'a queue that refuses': {
      run: () => dispatchJob('mail', null, () => Promise.reject(new RangeError('full'))),
      spans: ['job.dispatch mail'],
      fails: ['job.dispatch mail'],
    },
  },
});
