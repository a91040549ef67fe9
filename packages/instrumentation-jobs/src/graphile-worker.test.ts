import {
  activeContext,
  contextWithSpan,
  isSuppressed,
  runInContext,
  spanOf,
  withoutTracing,
  type Span,
} from '@forge/core';
import { createRegistry, installRegistry, type InstrumentationRegistry } from '@forge/instrumentation';
import { describeInstrumentation } from '@forge/instrumentation/conformance';
import { createPropagation } from '@forge/propagation';
import { createRecorder, type Recorder } from '@forge/testing';
import { createTestDatabase, type TestDatabase } from '@forge/testing/postgres';
import * as graphileWorker from 'graphile-worker';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { traceGraphileWorker } from './graphile-worker.ts';
import { jobs } from './index.ts';

const traced = traceGraphileWorker(graphileWorker);
const logger = new graphileWorker.Logger(() => () => undefined);

let database: TestDatabase;
let pgPool: pg.Pool;
let utils: graphileWorker.WorkerUtils;
let recorder: Recorder;
let registry: InstrumentationRegistry;
let uninstall: () => void;
/** What was asked of the database outside of `withoutTracing`. */
const asked: string[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  pgPool = new pg.Pool({ connectionString: database.url });
  pgPool.on('error', () => undefined);
  pgPool.on('connect', (client) => client.on('error', () => undefined));
  const { query } = pg.Client.prototype;
  Object.defineProperty(pg.Client.prototype, 'query', {
    configurable: true,
    value(this: pg.Client, ...args: unknown[]): unknown {
      if (!isSuppressed(activeContext())) asked.push(String(args[0]));
      return Reflect.apply(query, this, args);
    },
  });
  utils = await traced.makeWorkerUtils({ pgPool, logger });
  await utils.migrate();
});

afterAll(async () => {
  await utils.release();
  await pgPool.end();
  await database.drop();
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
  asked.length = 0;
});

afterEach(() => {
  nothingIsLeft();
  registry.disable();
  uninstall();
});

function nothingIsLeft(): void {
  expect([...recorder.open].map((span) => span.name)).toEqual([]);
  expect(registry.states()).toMatchObject([{ notes: [] }]);
}

async function inSpan<T>(fn: () => Promise<T>): Promise<T> {
  const span = recorder.provider.getTracer('test').start('root');
  try {
    return await runInContext(contextWithSpan(activeContext(), span), fn);
  } finally {
    span.end();
  }
}

async function runOnce(taskList: graphileWorker.TaskList): Promise<void> {
  await traced.runOnce({ pgPool, logger, taskList, noHandleSignals: true });
}

/** The worker writes a failure down after the run has ended: asks until it is there. */
async function retryNow(): Promise<void> {
  const text = `update graphile_worker._private_jobs set run_at = now()
    where last_error is not null and locked_at is null returning id`;
  await withoutTracing(async () => {
    while ((await pgPool.query(text)).rowCount === 0);
  });
}

function spansOf(name: string): Span[] {
  return recorder.spans.filter((span) => span.name === name);
}

describe('a job of graphile-worker', () => {
  it('is dispatched and executed in one trace, with its type, id, attempt and queue time', async () => {
    const { id } = await inSpan(() => utils.addJob('send', { order: 7 }));
    let seen: unknown;
    await runOnce({
      send: (payload, helpers) => {
        seen = [payload, helpers.job.payload, spanOf(activeContext()), isSuppressed(activeContext())];
      },
    });
    const execution = recorder.only('job.execute');
    expect(recorder.tree()).toEqual(['root', '  job.dispatch send', '    job.execute send']);
    expect(seen).toEqual([{ order: 7 }, { order: 7 }, execution, false]);
    expect(recorder.tags(recorder.only('job.dispatch'))).toEqual({ job_type: 'send', job_id: id });
    expect(recorder.tags(execution)).toEqual({
      job_type: 'send',
      job_id: id,
      attempt: 1,
      queue_ms: expect.any(Number) as unknown,
    });
    expect(asked).toEqual([]);
  });

  it.each<[string, unknown]>([
    ['an object', { a: 1 }],
    ['nothing', undefined],
    ['null', null],
    ['a text', 'text'],
    ['a number', 5],
    ['an array of objects', [{ a: 1 }, { b: 2 }]],
    ['an array of other things', [1, null, 'x']],
  ])('gives its task the payload it would get without tracing: %s', async (_what, payload) => {
    const seen: unknown[] = [];
    const send = (given: unknown, helpers: graphileWorker.JobHelpers): void => {
      seen.push([given, helpers.job.payload]);
    };
    for (const add of [utils.addJob, (id: string, p: unknown) => utils.addJobs([{ identifier: id, payload: p }])]) {
      await withoutTracing(() => add('send', payload));
      await runOnce({ send });
      await inSpan(async () => void (await add('send', payload)));
      await runOnce({ send });
    }
    expect(seen[1]).toEqual(seen[0]);
    expect(seen[3]).toEqual(seen[2]);
    expect(JSON.stringify(seen)).not.toContain('__forge');
  });

  it('is retried as a further attempt of the same trace', async () => {
    await inSpan(() => utils.addJob('flaky', {}, { maxAttempts: 2 }));
    let runs = 0;
    const flaky = (): void => {
      if (++runs === 1) throw new RangeError('not yet');
    };
    await runOnce({ flaky });
    await retryNow();
    await runOnce({ flaky });
    const executions = spansOf('job.execute');
    expect(executions.map((span) => [recorder.tags(span)['attempt'], span.statusMessage])).toEqual([
      [1, 'not yet'],
      [2, undefined],
    ]);
    const { spanId } = recorder.only('job.dispatch');
    expect(executions.map((span) => span.parentSpanId)).toEqual([spanId, spanId]);
  });

  it('that was delayed says by how much', async () => {
    const inMs = 200;
    await inSpan(() => utils.addJob('later', {}, { runAt: new Date(Date.now() + inMs) }));
    await withoutTracing(() => pgPool.query('select pg_sleep(0.25)'));
    await runOnce({ later: () => undefined });
    const { delay_ms } = recorder.tags(recorder.only('job.execute'));
    expect(delay_ms).toBeGreaterThan(100);
    expect(delay_ms).toBeLessThanOrEqual(inMs);
  });

  it('added by a task continues its trace; helpers ask the database in its context', async () => {
    await inSpan(() => utils.addJob('first', {}));
    await runOnce({
      first: async (_payload, helpers) => {
        await helpers.query('select 1 as mine');
        await helpers.addJob('second', {});
      },
      second: () => undefined,
    });
    expect(recorder.tree()).toEqual([
      'root',
      '  job.dispatch first',
      '    job.execute first',
      '      job.dispatch second',
      '        job.execute second',
    ]);
    expect(asked).toEqual(['select 1 as mine']);
  });

  it('that joins a batch: one execution, linked to the dispatch of each', async () => {
    const spec = { jobKey: 'batch', jobKeyMode: 'replace' as const };
    await inSpan(() => utils.addJob('mails', [{ to: 'ann' }], spec));
    await inSpan(() => utils.addJob('mails', [{ to: 'bob' }], spec));
    let given: unknown;
    await runOnce({
      mails: (payload) => {
        given = payload;
        return [Promise.resolve(), Promise.reject(new Error('bob is away'))];
      },
    });
    const [first, second] = spansOf('job.dispatch');
    const execution = recorder.only('job.execute');
    expect(given).toEqual([{ to: 'ann' }, { to: 'bob' }]);
    expect(execution.parentSpanId).toBe(first?.spanId);
    expect(execution.links.map((link) => link.spanId)).toEqual([second?.spanId]);
    expect(recorder.tags(execution)).toMatchObject({ job_type: 'mails', job_count: 2 });
    expect(execution.statusMessage).toBe('bob is away');
    let again: unknown;
    await retryNow();
    await runOnce({
      mails: (payload) => {
        again = payload;
      },
    });
    expect(again).toEqual([{ to: 'bob' }]);
  });

  it('added with others at once has their dispatch as its parent', async () => {
    await inSpan(() => utils.addJobs([1, 2].map((n) => ({ identifier: 'bulk', payload: { n } }))));
    await runOnce({ bulk: () => undefined });
    expect(recorder.tree()).toEqual(['root', '  job.dispatch bulk', '    job.execute bulk', '    job.execute bulk']);
  });

  it('that cron made starts a trace of its own', async () => {
    await withoutTracing(() => utils.addJob('cron', { _cron: { ts: 'x' } }));
    await runOnce({ cron: () => undefined });
    expect(recorder.only('job.execute').parentSpanId).toBeUndefined();
  });

  it('of a runner with tasks from a folder is traced, and the runner’s own', async () => {
    const taskDirectory = mkdtempSync(join(tmpdir(), 'forge-tasks-'));
    writeFileSync(join(taskDirectory, 'from_folder.js'), 'module.exports = () => undefined;');
    const runner = await traced.run({ pgPool, logger, taskDirectory, noHandleSignals: true, pollInterval: 50 });
    await inSpan(() => runner.addJob('from_folder', {}));
    await recorder.ended(3);
    expect(recorder.tree()).toEqual(['root', '  job.dispatch from_folder', '    job.execute from_folder']);
    await runner.stop();
    rmSync(taskDirectory, { recursive: true });
    expect(asked).toEqual([]);
  });

  it('added ad hoc is traced', async () => {
    await inSpan(() => traced.quickAddJob({ pgPool, logger }, 'adhoc', { a: 1 }));
    await runOnce({ adhoc: () => undefined });
    expect(recorder.tree()).toEqual(['root', '  job.dispatch adhoc', '    job.execute adhoc']);
  });

  it('is traced once, however often its functions are wrapped', async () => {
    const twice = traceGraphileWorker(traced);
    expect([twice.run, twice.quickAddJob]).toEqual([traced.run, traced.quickAddJob]);
  });
});

describeInstrumentation<typeof graphileWorker>('jobs over graphile-worker', {
  make: jobs,
  modules: { 'graphile-worker': graphileWorker },
  open: (kit) => kit.module('graphile-worker') as typeof graphileWorker,
  cases: {
    'a job': {
      async run(patched, seen) {
        const { task_identifier } = await patched.quickAddJob({ pgPool, logger }, 'mail', { n: 1 });
        seen.caller('after the dispatch');
        let payload: unknown;
        await patched.runOnce({
          pgPool,
          logger,
          noHandleSignals: true,
          taskList: {
            mail: (given) => {
              seen.within('job.execute', 'in the task');
              payload = given;
            },
          },
        });
        return [task_identifier, payload];
      },
      spans: ['job.dispatch mail', '  job.execute mail'],
      spansWithoutTracing: ['job.execute mail'],
      tags: { 'job.execute mail': { job_type: 'mail', attempt: 1 } },
    },
  },
});
