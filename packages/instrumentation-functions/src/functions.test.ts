import { activeContext, contextWithSpan, runInContext, spanOf, withoutTracing } from '@forge/core';
import { createRegistry, installRegistry, type InstrumentationRegistry } from '@forge/instrumentation';
import { describeInstrumentation } from '@forge/instrumentation/conformance';
import { createRecorder, type Recorder } from '@forge/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  action,
  ActionFunction,
  createFunctionContext,
  createFunctionExecutor,
  functions,
  functionsOf,
  mutation,
  MutationFunction,
  query,
  QueryFunction,
} from './index.ts';

let recorder: Recorder;
let registry: InstrumentationRegistry;
let uninstall: () => void;

beforeEach(() => {
  recorder = createRecorder();
  registry = createRegistry({
    provider: recorder.provider,
    propagation: {
      inject: () => undefined,
      extract: (context) => context,
      respond: () => undefined,
      heed: () => undefined,
    },
    diagnostics: recorder.diagnostics,
  });
  registry.enable([functions()]);
  uninstall = installRegistry(registry);
});

afterEach(() => {
  registry.disable();
  uninstall();
});

describe('a function', () => {
  it.each([
    ['query', query],
    ['mutation', mutation],
    ['action', action],
  ] as const)('made by %s is a span with its name and type', async (type, define) => {
    const fn = define('create_order', async (ctx: { n: number }, input: number) => [
      ctx.n + input,
      spanOf(activeContext()),
    ]);
    expect(await fn({ n: 1 }, 2)).toEqual([3, recorder.only('function.execute')]);
    expect(recorder.only('function.execute')).toMatchObject({ resource: 'create_order', kind: 0, status: 0 });
    expect(recorder.tags(recorder.only('function.execute'))).toEqual({ name: 'create_order', type });
    expect([fn.name, fn.type]).toEqual(['create_order', type]);
  });

  it('that calls another has its span around the other', async () => {
    const inner = query('inner', (_ctx: null, n: number) => n + 1);
    const outer = mutation('outer', async (ctx: null, n: number) => inner(ctx, n) * 2);
    expect(await outer(null, 1)).toBe(4);
    expect(recorder.tree()).toEqual(['function.execute outer', '  function.execute inner']);
  });

  it('that fails records its error and throws it on, the same', async () => {
    const oops = Object.assign(new Error('oops'), { code: 'E_OOPS' });
    const rejecting = action('fail', async () => {
      throw oops;
    });
    const throwing = action('fail', () => {
      throw oops;
    });
    await expect(rejecting(null, null)).rejects.toBe(oops);
    expect(() => throwing(null, null)).toThrow(oops);
    expect(recorder.spans.map((span) => [span.status, span.statusMessage])).toEqual([
      [2, 'oops'],
      [2, 'oops'],
    ]);
  });

  it('is only called when no tracer runs, or tracing is off for its caller', async () => {
    const fn = query('plain', (_ctx: null, n: number) => n + 1);
    expect(withoutTracing(() => fn(null, 1))).toBe(2);
    registry.disable();
    expect(fn(null, 1)).toBe(2);
    expect(recorder.spans).toEqual([]);
  });
});

describe('an executor', () => {
  const add = query('add', async (ctx: { n: number }, input: number) => ctx.n + input);

  it('runs functions by name with its context, in the span of the caller', async () => {
    const executor = createFunctionExecutor({ functions: [add, mutation('b', () => 0)], context: { n: 40 } });
    expect(executor.names).toEqual(['add', 'b']);
    const root = recorder.provider.getTracer('test').start('grpc.call');
    const inRoot = contextWithSpan(activeContext(), root);
    expect(await runInContext(inRoot, () => executor.execute('add', 2))).toBe(42);
    expect(recorder.only('function.execute').parentSpanId).toBe(root.spanId);
  });

  it('makes a context a call when given a function', async () => {
    let calls = 0;
    const executor = createFunctionExecutor({ functions: [add], context: () => ({ n: ++calls }) });
    expect([await executor.execute('add', 0), await executor.execute('add', 0)]).toEqual([1, 2]);
  });

  it('refuses a name it does not know, and says which it knows', async () => {
    const executor = createFunctionExecutor({ functions: [add], context: { n: 0 } });
    await expect(executor.execute('toString', 1)).rejects.toMatchObject({
      code: 'FORGE_FUNCTIONS_UNKNOWN',
      message: 'there is no function "toString"; there are: add',
    });
    await expect(executor.execute('x'.repeat(1e6), 1)).rejects.toThrow(
      /^there is no function "x{100}"; there are: add$/,
    );
    expect(recorder.spans).toEqual([]);
  });

  it('refuses two functions of one name', () => {
    expect(() => createFunctionExecutor({ functions: [add, add], context: { n: 0 } })).toThrow(
      'two functions are named "add"',
    );
  });
});

describe('decorated methods', () => {
  class Base {
    async list(ctx: { n: number }, input: number): Promise<number> {
      return ctx.n + input;
    }
  }
  class Orders extends Base {
    readonly #tax = 5;

    create(_ctx: { n: number }, input: number): number {
      return input + this.#tax;
    }

    async refund(): Promise<string> {
      return 'refunded';
    }

    plain(): void {}
  }
  legacy(Base, 'list', QueryFunction());
  legacy(Orders, 'create', MutationFunction('create_order'));
  legacy(Orders, 'refund', ActionFunction('refund_order'));

  /** What TypeScript's `experimentalDecorators` emit for a method. */
  function legacy(target: typeof Base, key: string, decorate: ReturnType<typeof QueryFunction>): void {
    const prototype = target.prototype as object;
    const descriptor = Object.getOwnPropertyDescriptor(prototype, key);
    if (descriptor === undefined) throw new Error(`no method ${key}`);
    decorate(prototype, key, descriptor);
    Object.defineProperty(prototype, key, descriptor);
  }

  it('are traced with `this` as it is, and found for an executor', async () => {
    const orders = new Orders();
    expect(orders.create({ n: 0 }, 10)).toBe(15);
    expect(recorder.tags(recorder.only('function.execute'))).toEqual({ name: 'create_order', type: 'mutation' });
    const executor = createFunctionExecutor({ functions: functionsOf<{ n: number }>(orders), context: { n: 1 } });
    expect(executor.names).toEqual(['create_order', 'list', 'refund_order']);
    expect(await executor.execute('create_order', 20)).toBe(25);
    expect(await executor.execute('list', 20)).toBe(21);
    expect(await executor.execute('refund_order', null)).toBe('refunded');
    expect(recorder.spans.map((span) => span.resource)).toEqual([
      'create_order',
      'create_order',
      'list',
      'refund_order',
    ]);
  });

  it('work as standard decorators too', () => {
    const method = (ctx: number, input: number): number => ctx + input;
    const context = { kind: 'method', name: 'add' } as ClassMethodDecoratorContext;
    expect(QueryFunction('sum')(method, context)(1, 2)).toBe(3);
    expect(QueryFunction()(method, context)(1, 2)).toBe(3);
    expect(recorder.spans.map((span) => span.resource)).toEqual(['sum', 'add']);
  });
});

describe('a function context', () => {
  it('has the parts it was given, and http with a method for each verb', async () => {
    const sent: RequestInit[] = [];
    const http = (async (_url: unknown, init?: RequestInit) => {
      sent.push(init ?? {});
      return new Response('ok');
    }) as typeof fetch;
    const ctx = createFunctionContext({ db: 5, http, dispatch: (type: string) => type, more: true });
    expect([ctx.db, ctx.dispatch('x'), ctx.more]).toEqual([5, 'x', true]);
    expect(Object.isFrozen(ctx)).toBe(true);
    await ctx.http('http://a/');
    await ctx.http.get('http://a/', { headers: { a: 'b' } });
    await ctx.http.post('http://a/', { amount: 1 });
    await ctx.http.put('http://a/', 'text');
    await ctx.http.patch('http://a/', new URLSearchParams('a=1'), { headers: { x: 'y' } });
    await ctx.http.delete('http://a/');
    expect(sent.map(({ method, body }) => [method, body instanceof URLSearchParams ? body.toString() : body])).toEqual([
      [undefined, undefined],
      ['GET', undefined],
      ['POST', '{"amount":1}'],
      ['PUT', 'text'],
      ['PATCH', 'a=1'],
      ['DELETE', undefined],
    ]);
    expect(new Headers(sent[2]?.headers).get('content-type')).toBe('application/json');
  });

  it('uses the fetch of the moment when given none', async () => {
    const before = globalThis.fetch;
    const ctx = createFunctionContext({});
    globalThis.fetch = async () => new Response('replaced');
    try {
      expect(await (await ctx.http.get('http://a/')).text()).toBe('replaced');
    } finally {
      globalThis.fetch = before;
    }
  });
});

describeInstrumentation('functions', {
  make: functions,
  open: () => ({
    ok: query('list', async (_ctx: null, input: () => void) => {
      await Promise.resolve();
      input();
      return 5;
    }),
    failing: mutation('create', (_ctx: null, _input: null) => Promise.reject(new TypeError('no'))),
  }),
  cases: {
    'a function that succeeds': {
      run: async ({ ok }, seen) => {
        const result = await ok(null, () => seen.within('function.execute', 'in the function'));
        seen.caller('after the call');
        return result;
      },
      spans: ['function.execute list'],
      tags: { 'function.execute list': { name: 'list', type: 'query' } },
    },
    'a function that fails': {
      run: ({ failing }) => failing(null, null),
      spans: ['function.execute create'],
      fails: ['function.execute create'],
    },
  },
});
