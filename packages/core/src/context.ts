import { AsyncLocalStorage } from 'node:async_hooks';
import {
  ROOT_CONTEXT,
  createContextKey,
  type Context,
  type ContextManager,
  type Span as ApiSpan,
} from '@opentelemetry/api';

// Keys of @opentelemetry/api and @opentelemetry/core: Symbol.for(description), so any copy of them agrees.
const SPAN_KEY = createContextKey('OpenTelemetry Context Key SPAN');
const SUPPRESS_KEY = createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING');

/**
 * An OpenTelemetry context with the two values that tracing reads at every span as fields.
 * OpenTelemetry's own copies a Map for each value; this one is a single object, other values form a chain.
 */
export class ForgeContext implements Context {
  readonly span: ApiSpan | undefined;
  readonly suppressed: boolean;
  readonly #parent: Context;
  readonly #key: symbol | undefined;
  readonly #value: unknown;

  constructor(
    parent: Context,
    span: ApiSpan | undefined,
    suppressed: boolean,
    key: symbol | undefined,
    value: unknown,
  ) {
    this.span = span;
    this.suppressed = suppressed;
    this.#parent = parent;
    this.#key = key;
    this.#value = value;
  }

  getValue(key: symbol): unknown {
    if (key === SPAN_KEY) return this.span;
    if (key === SUPPRESS_KEY) return this.suppressed ? true : undefined;
    // Contexts that only set the span add nothing here, but keep the chain short by pointing past themselves.
    return this.#key === key ? this.#value : this.#parent.getValue(key);
  }

  setValue(key: symbol, value: unknown): ForgeContext {
    if (key === SPAN_KEY) return this.withSpan(value as ApiSpan | undefined);
    if (key === SUPPRESS_KEY)
      return new ForgeContext(this.#valueChain(), this.span, value === true, undefined, undefined);
    return new ForgeContext(this.#valueChain(), this.span, this.suppressed, key, value);
  }

  deleteValue(key: symbol): ForgeContext {
    return this.setValue(key, undefined);
  }

  /** This context with another active span. */
  withSpan(span: ApiSpan | undefined): ForgeContext {
    return new ForgeContext(this.#valueChain(), span, this.suppressed, undefined, undefined);
  }

  #valueChain(): Context {
    return this.#key === undefined ? this.#parent : this;
  }
}

const ROOT = new ForgeContext(ROOT_CONTEXT, undefined, false, undefined, undefined);

// One storage a process, whichever copy of this package comes first: nested storages would not see each other.
const STORAGE_KEY = Symbol.for('forge.context.v1');
const holder = globalThis as unknown as Record<symbol, AsyncLocalStorage<Context> | undefined>;
const storage: AsyncLocalStorage<Context> = (holder[STORAGE_KEY] ??= new AsyncLocalStorage<Context>());

/** The context of the running code: the root context where none was entered. */
export function activeContext(): Context {
  return storage.getStore() ?? ROOT;
}

/** Runs `fn` in `context`, all its asynchronous work included. */
export function runInContext<T>(context: Context, fn: () => T): T {
  return storage.run(context, fn);
}

/** The span of `context`, recording or not. */
export function spanOf(context: Context): ApiSpan | undefined {
  return context instanceof ForgeContext ? context.span : (context.getValue(SPAN_KEY) as ApiSpan | undefined);
}

/** `context` with `span` active. */
export function contextWithSpan(context: Context, span: ApiSpan): Context {
  return context instanceof ForgeContext ? context.withSpan(span) : context.setValue(SPAN_KEY, span);
}

/** Whether spans started in `context` are to be left out: Forge's own queries, a queue's polling. */
export function isSuppressed(context: Context): boolean {
  return context instanceof ForgeContext ? context.suppressed : context.getValue(SUPPRESS_KEY) === true;
}

/** Runs `fn` without tracing what it does. Other OpenTelemetry instrumentations honour it too. */
export function withoutTracing<T>(fn: () => T): T {
  return storage.run(activeContext().setValue(SUPPRESS_KEY, true), fn);
}

/** OpenTelemetry's context manager over the same storage: `context.active()` and `activeContext()` agree. */
export class ForgeContextManager implements ContextManager {
  active(): Context {
    return activeContext();
  }

  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    context: Context,
    fn: F,
    thisArg?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    return storage.run(context, (): ReturnType<F> => Reflect.apply(fn, thisArg, args));
  }

  bind<T>(context: Context, target: T): T {
    if (typeof target === 'function')
      return bindFunction(context, target as unknown as (...args: unknown[]) => unknown) as T;
    if (isEmitter(target)) return bindEmitter(context, target);
    return target;
  }

  enable(): this {
    return this;
  }

  disable(): this {
    return this;
  }
}

interface Emitter {
  on(event: string | symbol, listener: (...args: unknown[]) => void): unknown;
  addListener(event: string | symbol, listener: (...args: unknown[]) => void): unknown;
  once(event: string | symbol, listener: (...args: unknown[]) => void): unknown;
  emit(event: string | symbol, ...args: unknown[]): boolean;
}

function isEmitter(target: unknown): target is Emitter {
  return (
    typeof target === 'object' &&
    target !== null &&
    typeof (target as Emitter).emit === 'function' &&
    typeof (target as Emitter).on === 'function'
  );
}

function bindFunction(context: Context, fn: (...args: unknown[]) => unknown): (...args: unknown[]) => unknown {
  const bound = function (this: unknown, ...args: unknown[]): unknown {
    return storage.run(context, () => Reflect.apply(fn, this, args));
  };
  Object.defineProperty(bound, 'length', { value: fn.length, configurable: true });
  return bound;
}

/** Listeners run in the context: the emitter's `emit` enters it, so adding and removing them is untouched. */
function bindEmitter<T extends Emitter>(context: Context, emitter: T): T {
  const emit = emitter.emit;
  emitter.emit = function (this: Emitter, ...args: Parameters<Emitter['emit']>): boolean {
    return storage.run(context, () => Reflect.apply(emit, this, args));
  };
  return emitter;
}
