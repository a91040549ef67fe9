import { runInContext, withoutTracing } from '@forge/core';
import { EventEmitter } from 'node:events';
import { rootContext } from './execute.ts';
import { traceAdders, traceTask, traceTasks } from './graphile-tasks.ts';
import { once } from './once.ts';

type Fn = (...args: unknown[]) => unknown;
type Adders = { addJob?: unknown; addJobs?: unknown };

/** Wraps graphile-worker's functions, by name. */
export const GRAPHILE_FUNCTIONS = {
  run: (run: Fn) => once(run, traceRun),
  runOnce: (runOnce: Fn) => once(runOnce, traceRun),
  runTaskList: (runTaskList: Fn) => once(runTaskList, traceRunTaskList),
  runTaskListOnce: (runTaskListOnce: Fn) => once(runTaskListOnce, traceRunTaskList),
  makeWorkerUtils: (make: Fn) => once(make, traceMakeUtils),
  addJobAdhoc: (addJob: Fn) => once(addJob, traceAdhoc),
  quickAddJob: (addJob: Fn) => once(addJob, traceAdhoc),
};

/**
 * graphile-worker's functions, traced: `const { run, makeWorkerUtils } = traceGraphileWorker(graphileWorker)`.
 * Tasks run in their job's context; what the worker asks its database by itself makes no spans.
 */
export function traceGraphileWorker<M extends object>(module: M): M {
  const functions: Record<string, unknown> = {};
  for (const [name, wrap] of Object.entries(GRAPHILE_FUNCTIONS)) {
    const original: unknown = Reflect.get(module, name);
    if (typeof original === 'function') functions[name] = wrap(original as Fn);
  }
  return { ...module, ...functions };
}

/** run(options, overrideTaskList?, overrideCronItems?); runOnce takes the first two. */
function traceRun(run: Fn): Fn {
  return async (options, taskList, ...rest) => {
    const own = isObject(options) ? withTracedTasks(options) : options;
    const runner = await untraced(() => run(own, isObject(taskList) ? traceTasks(taskList) : taskList, ...rest));
    return isObject(runner) ? traceInPlace(runner) : runner;
  };
}

/** Tasks from a folder are known once the first worker is there. */
function withTracedTasks(options: object): object {
  const { taskList, events } = options as { taskList?: unknown; events?: EventEmitter };
  if (isObject(taskList)) return { ...options, taskList: traceTasks(taskList) };
  const emitter = events ?? new EventEmitter();
  emitter.on('worker:create', ({ tasks }: { tasks?: Record<string, unknown> }) => {
    for (const [name, task] of Object.entries(tasks ?? {})) {
      if (typeof task === 'function') tasks![name] = traceTask(task as never);
    }
  });
  return { ...options, events: emitter };
}

/** runTaskList(options, tasks, pgPool) */
function traceRunTaskList(runTaskList: Fn): Fn {
  return (options, tasks, ...rest) =>
    untraced(() => runTaskList(options, isObject(tasks) ? traceTasks(tasks) : tasks, ...rest));
}

function traceMakeUtils(make: Fn): Fn {
  return async (...args) => {
    const utils = await untraced(() => make(...args));
    return isObject(utils) ? traceInPlace(utils) : utils;
  };
}

/** addJobAdhoc(options, identifier, payload, spec) */
function traceAdhoc(addJob: Fn): Fn {
  return (options, ...rest) => {
    const bound = { addJob: (...own: unknown[]) => addJob(options, ...own) };
    return traceAdders(bound).addJob(...rest);
  };
}

/** What runners and utilities do by themselves; `withPgClient` is the application's. */
const OWN_BUSINESS = [
  'stop',
  'kill',
  'release',
  'migrate',
  'cleanup',
  'completeJobs',
  'permanentlyFailJobs',
  'rescheduleJobs',
  'forceUnlockWorkers',
];

/** A runner's or the utilities' methods. In place: a runner's promise is to be handed on in the same turn. */
function traceInPlace(object: object): object {
  const { addJob, addJobs } = traceAdders(object as Adders);
  if (addJob !== undefined) Reflect.set(object, 'addJob', addJob);
  if (addJobs !== undefined) Reflect.set(object, 'addJobs', addJobs);
  for (const name of OWN_BUSINESS) {
    const method: unknown = Reflect.get(object, name);
    if (typeof method !== 'function') continue;
    Reflect.set(
      object,
      name,
      once(
        method as Fn,
        (own) =>
          (...args) =>
            withoutTracing(() => Reflect.apply(own, object, args)),
      ),
    );
  }
  return object;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function untraced<T>(fn: () => T): T {
  return runInContext(rootContext, () => withoutTracing(fn));
}
