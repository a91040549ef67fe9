import { defineFunction, type ForgeFunction, type FunctionType } from './traced-function.ts';

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- any method of two arguments may be decorated
type Method = (this: any, ctx: any, input: any) => any;

/** TypeScript's legacy decorators and the standard ones, on a method `(ctx, input)`. */
interface FunctionDecorator {
  (target: object, key: string | symbol, descriptor: PropertyDescriptor): void;
  <M extends Method>(method: M, context: ClassMethodDecoratorContext): M;
}

/**
 * Makes a method a traced query, as `query(name, fn)` does with a function. The name is the method's by default.
 * `functionsOf(instance)` hands the decorated methods to an executor.
 */
export function QueryFunction(name?: string): FunctionDecorator {
  return decorator('query', name);
}

/** Makes a method a traced mutation. */
export function MutationFunction(name?: string): FunctionDecorator {
  return decorator('mutation', name);
}

/** Makes a method a traced action. */
export function ActionFunction(name?: string): FunctionDecorator {
  return decorator('action', name);
}

/** The decorated methods of `instance`, its class's bases included, bound to it: for `createFunctionExecutor`. */
export function functionsOf<C = never>(instance: object): ForgeFunction<C, never, unknown>[] {
  const found = new Map<PropertyKey, ForgeFunction<C, never, unknown>>();
  for (let at: object | null = instance; at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const key of Reflect.ownKeys(at)) {
      const method: unknown = Object.getOwnPropertyDescriptor(at, key)?.value;
      if (!decorated.has(method as object) || found.has(key)) continue;
      const traced = method as ForgeFunction<C, never, unknown>;
      const { name, type } = traced;
      found.set(
        key,
        Object.defineProperties(traced.bind(instance), { name: { value: name }, type: { value: type } }) as never,
      );
    }
  }
  return [...found.values()];
}

const decorated = new WeakSet<object>();

function decorator(type: FunctionType, name: string | undefined): FunctionDecorator {
  function decorate(
    target: unknown,
    key: string | symbol | ClassMethodDecoratorContext,
    descriptor?: PropertyDescriptor,
  ): unknown {
    const methodName = name ?? String(typeof key === 'object' ? key.name : key);
    if (descriptor === undefined) return trace(target as Method, type, methodName);
    descriptor.value = trace(descriptor.value as Method, type, methodName);
    return undefined;
  }
  return decorate as FunctionDecorator;
}

function trace(method: Method, type: FunctionType, name: string): Method {
  const traced = defineFunction(name, type, method);
  decorated.add(traced);
  return traced;
}
