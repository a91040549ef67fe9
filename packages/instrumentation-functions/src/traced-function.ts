import { activeContext, isSuppressed, Kind, type Span } from '@forge/core';
import { activeHost, runInSpan, type InstrumentationHost } from '@forge/instrumentation';

/** What a function may do: read, change what is ours, or talk to the outside. */
export type FunctionType = 'query' | 'mutation' | 'action';

/** A traced function: call it with a context and an input, or let an executor find it by its name. */
export interface ForgeFunction<C, I, O> {
  (ctx: C, input: I): O;
  readonly name: string;
  readonly type: FunctionType;
}

/** A function that only reads. Each call is a `function.execute` span named by `name`; errors are recorded and thrown on. */
export function query<C, I, O>(name: string, fn: (ctx: C, input: I) => O): ForgeFunction<C, I, O> {
  return defineFunction(name, 'query', fn);
}

/** A function that changes data of its own. Traced as `query` is. */
export function mutation<C, I, O>(name: string, fn: (ctx: C, input: I) => O): ForgeFunction<C, I, O> {
  return defineFunction(name, 'mutation', fn);
}

/** A function that calls outside services. Traced as `query` is. */
export function action<C, I, O>(name: string, fn: (ctx: C, input: I) => O): ForgeFunction<C, I, O> {
  return defineFunction(name, 'action', fn);
}

/** `this` is passed on, for methods. */
export function defineFunction<C, I, O>(
  name: string,
  type: FunctionType,
  fn: (ctx: C, input: I) => O,
): ForgeFunction<C, I, O> {
  function traced(this: unknown, ctx: C, input: I): O {
    const host = activeHost('functions');
    const context = activeContext();
    if (host === undefined || isSuppressed(context)) return Reflect.apply(fn, this, [ctx, input]);
    const span = startSpan(host, name, type);
    if (span === undefined) return Reflect.apply(fn, this, [ctx, input]);
    return runInSpan(host, span, context, () => Reflect.apply(fn, this, [ctx, input]));
  }
  return Object.defineProperties(traced, {
    name: { value: name, configurable: true },
    type: { value: type, enumerable: true },
  }) as unknown as ForgeFunction<C, I, O>;
}

function startSpan(host: InstrumentationHost, name: string, type: FunctionType): Span | undefined {
  try {
    return host.tracer.start('function.execute', Kind.internal).setResource(name).set('name', name).set('type', type);
  } catch (fault) {
    host.fail('function', fault);
    return undefined;
  }
}
