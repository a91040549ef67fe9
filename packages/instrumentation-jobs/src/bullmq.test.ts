import { activeContext, contextWithSpan, isSuppressed, runInContext, spanOf, type Span } from '@forge/core';
import { createRegistry, installRegistry, type InstrumentationRegistry } from '@forge/instrumentation';
import { describeInstrumentation } from '@forge/instrumentation/conformance';
import { createPropagation } from '@forge/propagation';
import { createRecorder, type Recorder } from '@forge/testing';
import * as bullmq from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { redisMissing, startRedis, type TestRedis } from '../test/redis.ts';
import { bullTelemetry, traceBullMq } from './bullmq.ts';
import { jobs } from './index.ts';

const CI = process.env['CI'] !== undefined;

it.runIf(CI)('CI has a redis-server', () => {
  expect(redisMissing).toBe('');
});

describe.skipIf(redisMissing)(`BullMQ${redisMissing}`, () => {
  let redis: TestRedis;
  let recorder: Recorder;
  let registry: InstrumentationRegistry;
  let uninstall: () => void;
  let connection: { host: string; port: number };
  const closing: { close(): Promise<unknown> }[] = [];
  const { Queue, Worker, FlowProducer } = traceBullMq(bullmq);
  let queueName = '';
  let queues = 0;
  /** Commands that were sent to Redis outside of `withoutTracing`. */
  const traced: string[] = [];
  const { sendCommand } = Redis.prototype;

  beforeAll(async () => {
    redis = await startRedis();
    connection = { host: '127.0.0.1', port: redis.port };
    Redis.prototype.sendCommand = function (command, ...rest) {
      if (!isSuppressed(activeContext())) traced.push(command.name);
      return sendCommand.call(this, command, ...rest);
    };
  });

  afterAll(async () => {
    Redis.prototype.sendCommand = sendCommand;
    await redis.stop();
  });

  beforeEach(() => {
    recorder = createRecorder();
    registry = createRegistry({
      provider: recorder.provider,
      propagation: createPropagation(),
      diagnostics: recorder.diagnostics,
    });
    registry.enable([jobs()]);
    uninstall = installRegistry(registry);
    queueName = `queue-${++queues}`;
    traced.length = 0;
  });

  afterEach(async () => {
    for (const one of closing.splice(0).toReversed()) await one.close();
    nothingIsLeft();
    registry.disable();
    uninstall();
  });

  function nothingIsLeft(): void {
    expect([...recorder.open].map((span) => span.name)).toEqual([]);
    expect(registry.states()).toMatchObject([{ notes: [] }]);
  }

  function closed<T extends { close(): Promise<unknown> }>(one: T): T {
    closing.push(one);
    return one;
  }

  function openQueue(): bullmq.Queue {
    return closed(new Queue(queueName, { connection }));
  }

  /** Works on the queue until `count` runs have ended. */
  async function work(
    processor: bullmq.Processor,
    count = 1,
    options: Partial<bullmq.WorkerOptions> = {},
  ): Promise<void> {
    const ended = recorder.spans.length + count;
    closed(new Worker(queueName, processor, { connection, ...options }));
    await recorder.ended(ended);
  }

  async function inSpan<T>(fn: () => Promise<T>): Promise<T> {
    const span = recorder.provider.getTracer('test').start('root');
    try {
      return await runInContext(contextWithSpan(activeContext(), span), fn);
    } finally {
      span.end();
    }
  }

  function spansOf(name: string): Span[] {
    return recorder.spans.filter((span) => span.name === name);
  }

  it('a job is dispatched and executed in one trace, with its type, id, attempt and queue time', async () => {
    const queue = openQueue();
    const { id } = await inSpan(() => queue.add('send', { order: 7 }));
    let seen: unknown;
    await work((job) => {
      seen = [job.data, spanOf(activeContext()), isSuppressed(activeContext())];
      return Promise.resolve();
    });
    expect(recorder.tree()).toEqual(['root', '  job.dispatch send', '    job.execute send']);
    const execution = recorder.only('job.execute');
    expect(seen).toEqual([{ order: 7 }, execution, false]);
    expect(recorder.tags(recorder.only('job.dispatch'))).toEqual({ queue: queueName, job_type: 'send', job_id: id });
    expect(recorder.tags(execution)).toEqual({
      job_type: 'send',
      job_id: id,
      attempt: 1,
      queue_ms: expect.any(Number) as unknown,
    });
    expect([recorder.only('job.dispatch').kind, execution.kind]).toEqual([3, 4]);
    expect(traced.filter((command) => command !== 'info')).toEqual([]);
  });

  it('a retry is a further attempt below the dispatch, with the error and its stack', async () => {
    const queue = openQueue();
    await inSpan(() => queue.add('flaky', {}, { attempts: 3, backoff: 1 }));
    await work((job) => (job.attemptsMade < 2 ? Promise.reject(new RangeError('not yet')) : Promise.resolve()), 3);
    const executions = spansOf('job.execute');
    expect(executions.map((span) => [recorder.tags(span)['attempt'], span.statusMessage])).toEqual([
      [1, 'not yet'],
      [2, 'not yet'],
      [3, undefined],
    ]);
    const dispatch = recorder.only('job.dispatch');
    expect(executions.map((span) => span.parentSpanId)).toEqual(executions.map(() => dispatch.spanId));
    expect(JSON.stringify(executions[0]?.events)).toContain('bullmq.test.ts');
  });

  it('a delay is told apart from the queue time', async () => {
    const queue = openQueue();
    await inSpan(() => queue.add('later', {}, { delay: 300 }));
    await work(() => Promise.resolve());
    const { delay_ms, queue_ms } = recorder.tags(recorder.only('job.execute'));
    expect(delay_ms).toBe(300);
    expect(queue_ms).toBeLessThan(250);
  });

  it('jobs added at once have one dispatch, the parent of each execution', async () => {
    const queue = openQueue();
    await inSpan(() => queue.addBulk([1, 2].map((n) => ({ name: 'bulk', data: { n } }))));
    await work(() => Promise.resolve(), 2);
    expect(recorder.tree()).toEqual(['root', '  job.dispatch bulk', '    job.execute bulk', '    job.execute bulk']);
    expect(recorder.tags(recorder.only('job.dispatch'))).toEqual({ queue: queueName, job_type: 'bulk', job_count: 2 });
  });

  it('a flow has a dispatch for each of its jobs', async () => {
    const flows = closed(new FlowProducer({ connection }));
    await inSpan(() =>
      flows.add({
        name: 'parent',
        queueName,
        opts: {},
        children: [{ name: 'child', queueName, opts: {} }],
      }),
    );
    await work(() => Promise.resolve(), 2);
    expect(recorder.tree().map((line) => line.trim())).toEqual([
      'root',
      'job.dispatch parent',
      'job.dispatch child',
      'job.execute child',
      'job.execute parent',
    ]);
    expect(new Set(recorder.spans.map((span) => span.traceId)).size).toBe(1);
  });

  it('each run of a scheduled job starts a trace of its own, and its rescheduling makes no spans', async () => {
    const queue = openQueue();
    await inSpan(() => queue.upsertJobScheduler('tick', { every: 50 }, { name: 'tick' }));
    await work(() => Promise.resolve(), 3);
    await queue.removeJobScheduler('tick');
    const executions = spansOf('job.execute').slice(0, 3);
    expect(new Set(executions.map((span) => span.traceId)).size).toBe(3);
    expect(executions.map((span) => span.parentSpanId)).toEqual([undefined, undefined, undefined]);
    expect(spansOf('job.dispatch')).toHaveLength(1);
  });

  it('a job that puts itself off has not failed', async () => {
    const queue = openQueue();
    await queue.add('off', {}, { attempts: 2 });
    let runs = 0;
    await work(async (job, token) => {
      if (++runs > 1) return;
      await job.moveToDelayed(Date.now() + 20, token);
      throw new bullmq.DelayedError();
    }, 2);
    expect(spansOf('job.execute').map((span) => span.status)).toEqual([0, 0]);
  });

  it('a job added by a processor continues its trace', async () => {
    const queue = openQueue();
    await inSpan(() => queue.add('first', {}));
    await work((job) => (job.name === 'first' ? queue.add('second', {}) : Promise.resolve()), 3);
    expect(recorder.tree()).toEqual([
      'root',
      '  job.dispatch first',
      '    job.execute first',
      '      job.dispatch second',
      '        job.execute second',
    ]);
  });

  it('an error of the queue is recorded in the dispatch and passed on', async () => {
    const queue = openQueue();
    await expect(queue.add('bad', {}, { jobId: '0' })).rejects.toThrow("JobId cannot be '0'");
    expect(recorder.only('job.dispatch')).toMatchObject({
      status: 2,
      statusMessage: "JobId cannot be '0' or start with '0:'",
    });
  });

  it('telemetry of one’s own is left alone', () => {
    const telemetry = bullTelemetry();
    const queue = closed(new Queue(queueName, { connection, telemetry: telemetry as never }));
    expect((queue.opts as { telemetry?: unknown }).telemetry).toBe(telemetry);
  });

  describe('by its telemetry option alone', () => {
    it('is traced too: dispatch, attempts, failures by their message', async () => {
      const telemetry: bullmq.Telemetry = bullTelemetry();
      const queue = closed(new bullmq.Queue(queueName, { connection, telemetry }));
      await inSpan(() => queue.add('flaky', {}, { attempts: 2 }));
      let context: unknown;
      const worker = new bullmq.Worker(
        queueName,
        (job) => {
          context = spanOf(activeContext())?.spanContext().spanId;
          return job.attemptsMade === 0 ? Promise.reject(new Error('not yet')) : Promise.resolve();
        },
        { connection, telemetry },
      );
      closed(worker);
      await recorder.ended(4);
      const [first, second] = spansOf('job.execute');
      expect(recorder.tree()).toEqual([
        'root',
        '  job.dispatch flaky',
        '    job.execute flaky',
        '    job.execute flaky',
      ]);
      expect([first?.statusMessage, recorder.tags(first)['attempt']]).toEqual(['not yet', 1]);
      expect([second?.status, recorder.tags(second)['attempt'], context]).toEqual([0, 2, second?.spanId]);
    });
  });

  describeInstrumentation<{ queue: bullmq.Queue; Worker: typeof bullmq.Worker }>('jobs over BullMQ', {
    make: jobs,
    modules: { bullmq },
    open: (kit) => {
      const patched = kit.module('bullmq') as typeof bullmq;
      return {
        queue: new patched.Queue(`conformance-${++queues}`, { connection }),
        Worker: patched.Worker,
      };
    },
    close: async ({ queue }) => {
      await queue.close();
    },
    cases: {
      'a job': {
        async run({ queue, Worker: PatchedWorker }, seen) {
          const job = await queue.add('mail', { n: 1 });
          seen.caller('after the dispatch');
          let worker: bullmq.Worker | undefined;
          const data = await new Promise((resolve) => {
            worker = new PatchedWorker(
              queue.name,
              (given) => {
                seen.within('job.execute', 'in the processor');
                resolve(given.data);
                return Promise.resolve();
              },
              { connection },
            );
          });
          await worker?.close();
          return [job.name, data];
        },
        spans: ['job.dispatch mail', '  job.execute mail'],
        spansWithoutTracing: ['job.execute mail'],
      },
    },
  });
});
