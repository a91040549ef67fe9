import type { Propagation, Span, TracerProvider } from '@forge/core';

/**
 * Makes one call of a plugin to its host throw: the nth of all calls to its tracer, its spans and the propagation.
 * Counting up from 1 until nothing throws any more reaches every hook, whatever the plugin is made of.
 */
export class Faults {
  readonly #failing: number;
  #calls = 0;
  /** Which call threw: `span.set`. */
  thrown: string | undefined = undefined;
  /** Spans that the plugin started. */
  started = 0;
  /** Called when the call has thrown. */
  onThrow: (() => void) | undefined = undefined;

  /** @param failing the call that throws, counted from 1; 0 for none */
  constructor(failing: number) {
    this.#failing = failing;
  }

  #count(call: string): void {
    this.#calls++;
    if (this.#calls !== this.#failing) return;
    this.thrown = call;
    this.onThrow?.();
    throw new Error(`fault ${this.#failing}, in ${call}`);
  }

  provider(inner: TracerProvider): Pick<TracerProvider, 'getTracer'> {
    return {
      getTracer: (name, version) => {
        const tracer = inner.getTracer(name, version);
        return this.#wrap(tracer, 'tracer', (span) => this.#span(span));
      },
    };
  }

  propagation(inner: Propagation): Propagation {
    return this.#wrap(inner, 'propagation');
  }

  #span(made: unknown): unknown {
    this.started++;
    return made instanceof Object && 'isRecording' in made ? this.#wrap(made as Span, 'span') : made;
  }

  /**
   * Methods become own properties of the object: a span stays the instance that it is. A tracer is shared, so its
   * methods are put on an object in front of it.
   */
  #wrap<T extends object>(object: T, label: string, result?: (value: unknown) => unknown): T {
    const target = label === 'tracer' ? (Object.create(object) as T) : object;
    for (const [name, descriptor] of membersOf(object)) {
      if (descriptor.get !== undefined && target !== object)
        Object.defineProperty(target, name, { get: () => Reflect.get(object, name, object) as unknown });
      if (typeof descriptor.value !== 'function') continue;
      const method = descriptor.value as (...args: unknown[]) => unknown;
      const wrapped = (...args: unknown[]): unknown => {
        this.#count(`${label}.${name}`);
        const value = Reflect.apply(method, object, args);
        return result === undefined || !name.startsWith('start') ? value : result(value);
      };
      Object.defineProperty(target, name, { value: wrapped, configurable: true, writable: true });
    }
    return target;
  }
}

function membersOf(object: object): Map<string, PropertyDescriptor> {
  const members = new Map<string, PropertyDescriptor>();
  for (let at = object; at !== Object.prototype && at !== null; at = Object.getPrototypeOf(at) as object) {
    for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(at)))
      if (name !== 'constructor' && !members.has(name)) members.set(name, descriptor);
  }
  return members;
}
