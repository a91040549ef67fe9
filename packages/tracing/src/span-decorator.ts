import { span } from './span.ts';
import type { Tags } from './span-handle.ts';

type Method = (this: unknown, ...args: unknown[]) => unknown;
type Class = abstract new (...args: never[]) => object;

/** TypeScript's legacy decorators (NestJS) and the standard ones, on a method or on a class. */
export interface SpanDecorator {
  (target: object, key: string | symbol, descriptor: PropertyDescriptor): void;
  (target: Function, context?: ClassDecoratorContext): void;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- any method may be decorated
  <M extends (this: any, ...args: any[]) => any>(method: M, context: ClassMethodDecoratorContext): M;
}

/**
 * Traces a method, or every method that a class itself declares (its constructor and accessors excepted).
 * @param name the span's name; `Class.method` by default. On a class it takes the class's part.
 */
export function Span(name?: string, tags: Tags = {}): SpanDecorator {
  return ((
    target: object,
    keyOrContext?: string | symbol | DecoratorContext,
    descriptor?: PropertyDescriptor,
  ): unknown => {
    if (typeof keyOrContext === 'object' && keyOrContext.kind === 'method') {
      // The class's name is not known yet: taken from the instance at the first call.
      return traceMethod(target as Method, (self) => name ?? `${ownerName(self)}.${String(keyOrContext.name)}`, tags);
    }
    if (descriptor !== undefined) {
      const key = keyOrContext as string | symbol;
      const owner = typeof target === 'function' ? target.name : target.constructor.name;
      descriptor.value = keepMetadata(
        descriptor.value as Method,
        traceMethod(descriptor.value as Method, () => name ?? `${owner}.${String(key)}`, tags),
      );
      return undefined;
    }
    traceClass(target as Class, name, tags);
    return undefined;
  }) as SpanDecorator;
}

function traceClass(target: Class, name: string | undefined, tags: Tags): void {
  const prototype = target.prototype as object;
  for (const key of Reflect.ownKeys(prototype)) {
    const descriptor = Object.getOwnPropertyDescriptor(prototype, key)!;
    if (key === 'constructor' || typeof descriptor.value !== 'function') continue;
    const method = descriptor.value as Method;
    const spanName = `${name ?? target.name}.${String(key)}`;
    Object.defineProperty(prototype, key, {
      ...descriptor,
      value: keepMetadata(
        method,
        traceMethod(method, () => spanName, tags),
      ),
    });
  }
}

function traceMethod(method: Method, nameOf: (self: unknown) => string, tags: Tags): Method {
  const traced = function (this: unknown, ...args: unknown[]): unknown {
    return span(nameOf(this), tags, () => Reflect.apply(method, this, args));
  };
  Object.defineProperties(traced, {
    name: { value: method.name, configurable: true },
    length: { value: method.length, configurable: true },
  });
  return traced;
}

/** Frameworks hang metadata on the function itself (Nest's routes do): the traced one must show it too. */
function keepMetadata(from: Method, to: Method): Method {
  const reflect = Reflect as {
    getOwnMetadataKeys?(target: object): unknown[];
    getOwnMetadata?(key: unknown, target: object): unknown;
    defineMetadata?(key: unknown, value: unknown, target: object): void;
  };
  for (const key of reflect.getOwnMetadataKeys?.(from) ?? [])
    reflect.defineMetadata?.(key, reflect.getOwnMetadata?.(key, from), to);
  return to;
}

function ownerName(self: unknown): string {
  if (typeof self === 'function') return self.name;
  return (self as object | undefined)?.constructor.name ?? 'anonymous';
}
