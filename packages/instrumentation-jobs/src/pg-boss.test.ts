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
import PgBoss from 'pg-boss';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { jobs, tracePgBoss } from './index.ts';

interface Db {
  executeSql(text: string, values?: unknown[]): Promise<{ rows: Record<string, unknown>[] }>;
}

let database: TestDatabase;
let boss: PgBoss;
let db: Db;
let recorder: Recorder;
let registry: InstrumentationRegistry;
let uninstall: () => void;
/** What pg-boss asked its database outside of `withoutTracing`. */
const traced: string[] = [];
let queue = '';
let queues = 0;

beforeAll(async () => {
  database = await createTestDatabase();
  boss = tracePgBoss(new PgBoss({ connectionString: database.url, max: 3, schedule: false, supervise: false }));
  db = boss.getDb();
  const executeSql = db.executeSql.bind(db);
  db.executeSql = (text, values) => {
    if (!isSuppressed(activeContext())) traced.push(text);
    return executeSql(text, values);
  };
  await boss.start();
});

afterAll(async () => {
  await boss.stop({ graceful: false });
  await database.drop();
});

beforeEach(async () => {
  recorder = createRecorder();
  registry = createRegistry({
    provider: recorder.provider,
    propagation: createPropagation(),
    diagnostics: recorder.diagnostics,
  });
  registry.enable([jobs()]);
  uninstall = installRegistry(registry);
  queue = `queue-${++queues}`;
  await boss.createQueue(queue);
  traced.length = 0;
});

afterEach(async () => {
  await boss.offWork(queue);
  nothingIsLeft();
  registry.disable();
  uninstall();
});

function nothingIsLeft(): void {
  expect(traced).toEqual([]);
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

/** Works `count` calls of the handler off the queue, and resolves with what the handler was given. */
async function work(
  options: PgBoss.WorkOptions = {},
  handle?: (call: number) => unknown,
  count = 1,
): Promise<PgBoss.Job<unknown>[][]> {
  const calls: PgBoss.Job<unknown>[][] = [];
  await new Promise<void>((resolve, reject) => {
    const work = boss.work<unknown>(queue, { pollingIntervalSeconds: 0.5, ...options }, async (given) => {
      calls.push(given);
      if (calls.length === count) resolve();
      return handle?.(calls.length);
    });
    work.catch(reject);
  });
  await recorder.ended(recorder.spans.length + recorder.open.size);
  return calls;
}

function spansOf(name: string): Span[] {
  return recorder.spans.filter((span) => span.name === name);
}

describe('a job', () => {
  it('is dispatched and executed in one trace, with its type, id, attempt and queue time', async () => {
    const id = await inSpan(() => boss.send(queue, { order: 7 }));
    const [[job]] = (await work()) as [[PgBoss.Job]];
    expect(job).toEqual({ id, name: queue, data: { order: 7 }, expireInSeconds: expect.anything() as unknown });
    expect(recorder.tree()).toEqual(['root', `  job.dispatch ${queue}`, `    job.execute ${queue}`]);
    expect(recorder.only('job.dispatch').kind).toBe(3);
    expect(recorder.tags(recorder.only('job.dispatch'))).toEqual({ job_type: queue, job_id: id });
    expect(recorder.only('job.execute').kind).toBe(4);
    expect(recorder.tags(recorder.only('job.execute'))).toEqual({
      job_type: queue,
      job_id: id,
      attempt: 1,
      queue_ms: expect.any(Number) as unknown,
    });
  });

  it('runs in its own context, not in that of the caller of work', async () => {
    await inSpan(() => boss.send(queue, {}));
    let seen: unknown;
    let suppressed: unknown;
    const caller = recorder.provider.getTracer('test').start('caller');
    const worked = runInContext(contextWithSpan(activeContext(), caller), () =>
      work({}, () => {
        seen = spanOf(activeContext());
        suppressed = isSuppressed(activeContext());
      }),
    );
    caller.end();
    await worked;
    expect(seen).toBe(recorder.only('job.execute'));
    expect(suppressed).toBe(false);
  });

  it.each<[string, object | null | undefined]>([
    ['an object', { a: 1, nested: { b: [1, null] } }],
    ['an empty object', {}],
    ['null', null],
    ['nothing', undefined],
    ['a number', 5 as never],
    ['a boolean', false as never],
    ['an object with its own JSON', { a: 1, toJSON: () => ({ json: true }) }],
    [
      'an instance of a class',
      new (class Order {
        readonly id = 7;
      })(),
    ],
  ])('is given the data it would get without tracing: %s', async (_what, data) => {
    await withoutTracing(() => boss.send(queue, data as object));
    await inSpan(() => boss.send(queue, data as object));
    const given = await work({ batchSize: 5, includeMetadata: true });
    const [plain, carried] = given.flat().map((job) => job.data);
    expect(carried).toEqual(plain);
    expect(JSON.stringify(given)).not.toContain('__forge');
    expect(recorder.only('job.execute').traceId).toBe(recorder.only('root').traceId);
  });

  it.each<[string, unknown]>([
    ['a string', 'text'],
    ['an array', [1, 2]],
    ['an array of objects', [{ a: 1 }, null]],
    ['null', null],
  ])('inserted with %s gets it back', async (_what, data) => {
    await inSpan(() => boss.insert([{ name: queue, data: data as object }]));
    expect((await work())[0]?.[0]?.data).toEqual(data);
    expect(recorder.tree()).toEqual(['root', `  job.dispatch ${queue}`, `    job.execute ${queue}`]);
  });

  it('that pg-boss refuses is refused as before, with the error in the span', async () => {
    await expect(boss.send(queue, 'text' as never)).rejects.toThrow('invalid input syntax for type json');
    await expect(boss.send(queue, {}, { priority: 0.5 })).rejects.toThrow('priority must be an integer');
    await expect(boss.send(undefined as never)).rejects.toThrow('boss requires all jobs to have a queue name');
    expect(recorder.spans.map((span) => [span.name, span.status])).toEqual([
      ['job.dispatch', 2],
      ['job.dispatch', 2],
    ]);
  });

  it('is retried as a further attempt of the same trace', async () => {
    await inSpan(() => boss.send(queue, {}, { retryLimit: 1, retryDelay: 0 }));
    await work(
      {},
      (call) => {
        if (call === 1) throw new Error('not yet');
      },
      2,
    );
    await recorder.ended(4);
    expect(
      spansOf('job.execute').map((span) => [recorder.tags(span)['attempt'], span.status, span.statusMessage]),
    ).toEqual([
      [1, 2, 'not yet'],
      [2, 0, undefined],
    ]);
    expect(new Set(recorder.spans.map((span) => span.traceId)).size).toBe(1);
  });

  it('that was delayed says by how much, apart from its queue time', async () => {
    await inSpan(() => boss.sendAfter(queue, {}, {}, 1));
    await work();
    const { delay_ms, queue_ms } = recorder.tags(recorder.only('job.execute'));
    expect(delay_ms).toBe(1000);
    expect(queue_ms).toBeLessThan(5000);
  });

  it('starts a trace of its own when it was dispatched outside of any', async () => {
    await withoutTracing(() => boss.send(queue, {}));
    await work();
    expect(recorder.names()).toEqual(['job.execute']);
    expect(recorder.only('job.execute').parentSpanId).toBeUndefined();
  });
});

describe('several jobs', () => {
  it('in one batch: one execution in the first trace, linked to the others', async () => {
    for (let i = 0; i < 3; i++) await inSpan(() => boss.send(queue, { i }));
    const [batch] = await work({ batchSize: 10 });
    expect(batch).toHaveLength(3);
    // pg-boss hands a batch over in no certain order.
    const dispatches =
      batch?.map((job) => spansOf('job.dispatch').find((span) => recorder.tags(span)['job_id'] === job.id)) ?? [];
    const execution = recorder.only('job.execute');
    expect(execution.parentSpanId).toBe(dispatches[0]?.spanId);
    expect(execution.links.map((link) => link.spanId)).toEqual([dispatches[1]?.spanId, dispatches[2]?.spanId]);
    expect(recorder.tags(execution)).toEqual({ job_type: queue, job_count: 3 });
  });

  it('inserted at once: one dispatch, the parent of each execution', async () => {
    await inSpan(() => boss.insert([1, 2].map((n) => ({ name: queue, data: { n } }))));
    await work({}, undefined, 2);
    await recorder.ended(4);
    expect(recorder.tree()).toEqual([
      'root',
      `  job.dispatch ${queue}`,
      `    job.execute ${queue}`,
      `    job.execute ${queue}`,
    ]);
    expect(recorder.tags(recorder.only('job.dispatch'))).toEqual({ job_type: queue, job_count: 2 });
  });

  it('published: the event is the dispatch, each subscriber an execution', async () => {
    await boss.subscribe('order-paid', queue);
    await inSpan(() => boss.publish('order-paid', { order: 1 }));
    const [[job]] = (await work()) as [[PgBoss.Job]];
    expect(job.data).toEqual({ order: 1 });
    expect(recorder.tree()).toEqual(['root', '  job.dispatch order-paid', `    job.execute ${queue}`]);
    await boss.unsubscribe('order-paid', queue);
  });

  it('throttled away: a dispatch without a job', async () => {
    await boss.sendThrottled(queue, {}, {}, 3600, 'once');
    expect(await boss.sendThrottled(queue, {}, {}, 3600, 'once')).toBeNull();
    expect(spansOf('job.dispatch').map((span) => 'job_id' in recorder.tags(span))).toEqual([true, false]);
  });
});

describe('the application sees pg-boss as it is', () => {
  it('in jobs that it fetches or looks up itself', async () => {
    const id = (await inSpan(() => boss.send({ name: queue, data: { a: 1 } })))!;
    expect((await boss.getJobById(queue, id))?.data).toEqual({ a: 1 });
    expect((await boss.fetch(queue))[0]?.data).toEqual({ a: 1 });
    expect(await boss.fetch(queue)).toEqual([]);
  });

  it('in handlers that asked for metadata', async () => {
    await inSpan(() => boss.send(queue, { a: 1 }));
    const [[job]] = (await work({ includeMetadata: true })) as [[PgBoss.JobWithMetadata]];
    expect(job).toMatchObject({ data: { a: 1 }, retryCount: 0, state: 'active' });
  });

  it('in what a handler returns and in the errors of wrong calls', async () => {
    const id = (await boss.send(queue, {}))!;
    const completed = new Promise<void>((resolve) => {
      const executeSql = db.executeSql;
      db.executeSql = async (text, values) => {
        const result = await executeSql(text, values);
        if (JSON.stringify(values)?.includes('done')) {
          db.executeSql = executeSql;
          resolve();
        }
        return result;
      };
    });
    await work({}, () => ({ done: true }));
    await completed;
    expect((await boss.getJobById(queue, id))?.output).toEqual({ done: true });
    await expect(boss.work(queue, 'nonsense' as never, async () => undefined)).rejects.toThrow(
      'expected config to be an object',
    );
    await expect((boss.work as (name: string) => Promise<unknown>)(queue)).rejects.toThrow(
      'expected callback to be a function',
    );
    expect(boss.send.name).toBe(new PgBoss(database.url).send.name);
    expect(tracePgBoss(boss)).toBe(boss);
  });

  it('when the plugin is disabled: no spans, and data that was sent before comes without what travelled', async () => {
    await inSpan(() => boss.send(queue, { a: 1 }));
    registry.disable();
    expect((await work())[0]?.[0]?.data).toEqual({ a: 1 });
    await withoutTracing(() => boss.send(queue, { b: 1 }));
    expect(recorder.names()).toEqual(['job.dispatch', 'root']);
  });

  it('made by the patched module', async () => {
    let patched: unknown;
    registry.disable();
    registry = createRegistry({
      provider: recorder.provider,
      propagation: createPropagation(),
      diagnostics: recorder.diagnostics,
      onModule(module, patch) {
        if (module === 'pg-boss') patched = patch(PgBoss, { name: module, version: '10.4.2', kind: 'cjs' });
        return () => undefined;
      },
    });
    registry.enable([jobs()]);
    const Patched = patched as typeof PgBoss;
    expect(Patched.states).toBe(PgBoss.states);
    const made = new Patched(database.url);
    expect(made).toBeInstanceOf(PgBoss);
    expect(tracePgBoss(made)).toBe(made);
  });
});

describeInstrumentation<PgBoss>('jobs over pg-boss', {
  make: jobs,
  modules: { 'pg-boss': PgBoss },
  async open(kit) {
    const Boss = kit.module('pg-boss') as typeof PgBoss;
    const opened = new Boss({ connectionString: database.url, max: 2, schedule: false, supervise: false });
    await opened.start();
    await opened.createQueue('conformance');
    return opened;
  },
  close: (opened) => opened.stop({ graceful: false }),
  cases: {
    'a job': {
      async run(opened, seen) {
        await opened.purgeQueue('conformance');
        const id = await opened.send('conformance', { n: 1 });
        seen.caller('after the dispatch');
        const data = await new Promise((resolve, reject) => {
          opened
            .work('conformance', async ([job]) => {
              seen.within('job.execute', 'in the handler');
              resolve(job?.data);
            })
            .catch(reject);
        });
        await opened.offWork('conformance');
        return [typeof id, data];
      },
      spans: ['job.dispatch conformance', '  job.execute conformance'],
      spansWithoutTracing: ['job.execute conformance'],
      tags: { 'job.execute conformance': { job_type: 'conformance', attempt: 1 } },
    },
  },
});
