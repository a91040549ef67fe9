import { ForgeContextManager, runInContext, withoutTracing } from '@forge/core';
import { dispatch } from './dispatch.ts';
import { execute, rootContext, type JobRun } from './execute.ts';
import { detachCarrier, type JobCarrier } from './job-data.ts';

type Method = (...args: unknown[]) => unknown;
type Boss = Record<string, unknown>;

/** A row of pg-boss's job table, as `includeMetadata` gives it. */
interface JobRow {
  readonly id: string;
  readonly name: string;
  readonly data: unknown;
  readonly expireInSeconds: unknown;
  readonly retryCount?: number;
  readonly createdOn?: Date;
  readonly startAfter?: Date;
  readonly startedOn?: Date;
}

const contexts = new ForgeContextManager();
const traced = new WeakSet<object>();

/**
 * Traces a pg-boss 10: what it sends, publishes and inserts, and the handlers given to `work`. Changes the instance in
 * place and returns it. Call it before `start` and `work`; what pg-boss asks its database by itself is never traced.
 */
export function tracePgBoss<B extends object>(instance: B): B {
  if (traced.has(instance)) return instance;
  traced.add(instance);
  const boss = instance as Boss;
  for (const name of Object.keys(boss)) {
    const method = boss[name];
    if (typeof method === 'function') boss[name] = named(method as Method, wrap(name, method as Method));
  }
  // The poller, the timers and the pool that these start keep their context for good: not the caller's, and untraced.
  for (const name of ['start', 'stop']) {
    const method = boss[name];
    if (typeof method !== 'function') continue;
    const wrapped = named(method as Method, (...args) => untraced(() => Reflect.apply(method, instance, args)));
    Object.defineProperty(instance, name, { value: wrapped, configurable: true, writable: true });
  }
  // The application's listeners are no business of the queue's.
  return contexts.bind(rootContext, instance);
}

function wrap(name: string, method: Method): Method {
  switch (name) {
    case 'send':
      return (...args) => (isRequest(args) ? sendRequest(method, args) : sendNamed(method, args));
    case 'sendAfter':
    case 'sendThrottled':
    case 'sendDebounced':
    case 'publish':
      return (...args) => sendNamed(method, args);
    case 'insert':
      return (...args) => insert(method, args);
    case 'work':
      return (...args) => work(method, args);
    case 'fetch':
    case 'getJobById':
      return (...args) => withoutTracing(() => asSent(method(...args)));
    default:
      return (...args) => withoutTracing(() => method(...args));
  }
}

/** send(name, data, ...rest), and what is called alike. */
function sendNamed(method: Method, args: unknown[]): unknown {
  const [name, data, ...rest] = args;
  if (typeof name !== 'string') return method(...args);
  return dispatch(name, 1, (attach) => method(name, isSendable(data) ? attach(data ?? null) : data, ...rest));
}

/** send({ name, data, options }) */
function sendRequest(method: Method, args: [Request]): unknown {
  const [request] = args;
  const { name, data } = request;
  if (typeof name !== 'string') return method(...args);
  return dispatch(name, 1, (attach) => method({ ...request, data: isSendable(data) ? attach(data ?? null) : data }));
}

interface Request {
  readonly name: unknown;
  readonly data?: unknown;
}

function isRequest(args: unknown[]): args is [Request] {
  const [request] = args;
  return args.length === 1 && typeof request === 'object' && request !== null && 'name' in request;
}

/** Nothing is NULL to pg-boss. It refuses functions, strings and arrays here: it shall go on to do so. */
function isSendable(data: unknown): boolean {
  return typeof data !== 'string' && typeof data !== 'function' && !Array.isArray(data);
}

/** insert(jobs, options?): one span for all jobs of the call, the parent of their executions. */
function insert(method: Method, args: unknown[]): unknown {
  const [jobs, ...rest] = args;
  if (!Array.isArray(jobs) || jobs.length === 0 || !jobs.every(isJob)) return method(...args);
  const types = new Set(jobs.map((job) => String(job.name)));
  const [jobType = 'batch'] = types.size === 1 ? types : [];
  return dispatch(jobType, jobs.length, (attach) =>
    method(
      jobs.map((job) => ({ ...job, data: attach(job.data ?? null) })),
      ...rest,
    ),
  );
}

function isJob(job: unknown): job is Request {
  return typeof job === 'object' && job !== null;
}

/** work(name, handler) and work(name, options, handler). */
function work(method: Method, args: unknown[]): unknown {
  const [name, ...rest] = args;
  const handler = rest.at(-1);
  const options = rest.length > 1 ? rest[0] : {};
  if (typeof name !== 'string' || rest.length > 2 || typeof handler !== 'function' || !isOptions(options)) {
    return untraced(() => method(...args));
  }
  const wantsMetadata = options?.includeMetadata === true;
  const traceJobs = (rows: JobRow[]): unknown => {
    const carriers: (JobCarrier | undefined)[] = [];
    const jobs: unknown[] = [];
    for (const row of rows) {
      const { data, carrier } = detachCarrier(row.data);
      carriers.push(carrier);
      const { id, name, expireInSeconds } = row;
      jobs.push(wantsMetadata ? { ...row, data } : { id, name, data, expireInSeconds });
    }
    return execute(
      name,
      carriers,
      () => describeRun(rows),
      () => Reflect.apply(handler, undefined, [jobs]),
    );
  };
  // The attempt and the times are in the metadata only; handlers that did not ask for it don't see it.
  return untraced(() => method(name, { ...options, includeMetadata: true }, traceJobs));
}

function isOptions(options: unknown): options is { includeMetadata?: boolean } | null {
  if (typeof options !== 'object') return false;
  const wish: unknown = options === null ? undefined : Reflect.get(options, 'includeMetadata');
  return wish === undefined || typeof wish === 'boolean';
}

/** All times are the database's own. */
function describeRun(rows: readonly JobRow[]): JobRun {
  const [first] = rows;
  if (first === undefined || rows.length > 1) return {};
  const { id, retryCount, createdOn, startAfter, startedOn } = first;
  const readyMs = Math.max(millis(createdOn) ?? Number.NaN, millis(startAfter) ?? Number.NEGATIVE_INFINITY);
  const delayMs = readyMs - (millis(createdOn) ?? Number.NaN);
  const queueMs = (millis(startedOn) ?? Number.NaN) - readyMs;
  const attempt = typeof retryCount === 'number' ? retryCount + 1 : undefined;
  return {
    id,
    attempt,
    queueMs: Number.isNaN(queueMs) ? undefined : Math.max(0, queueMs),
    // A retry's start_after is the queue's wish, not the dispatcher's.
    delayMs: attempt === 1 && delayMs > 0 ? delayMs : undefined,
  };
}

function millis(date: unknown): number | undefined {
  return date instanceof Date ? date.getTime() : undefined;
}

/** Jobs that the application reads itself, with the data it sent. */
async function asSent(result: unknown): Promise<unknown> {
  const found = await result;
  if (Array.isArray(found)) return found.map(rowAsSent);
  return rowAsSent(found);
}

function rowAsSent(row: unknown): unknown {
  if (typeof row !== 'object' || row === null || !('data' in row)) return row;
  const { data } = detachCarrier(row.data);
  return data === row.data ? row : { ...row, data };
}

function untraced<T>(fn: () => T): T {
  return runInContext(rootContext, () => withoutTracing(fn));
}

function named(original: Method, wrapped: Method): Method {
  return Object.defineProperties(wrapped, {
    name: { value: original.name, configurable: true },
    length: { value: original.length, configurable: true },
  });
}
