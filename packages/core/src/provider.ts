import { context, trace, type TracerProvider as ApiTracerProvider } from '@opentelemetry/api';
import { randomUUID } from 'node:crypto';
import { attributesFromObject } from './attributes.ts';
import { SystemClock, type Clock } from './clock.ts';
import { ForgeContextManager } from './context.ts';
import { ForgeError } from './errors.ts';
import { IdSource } from './id-source.ts';
import { DEFAULT_LIMITS, type SpanLimits } from './limits.ts';
import { Decision } from './local-trace.ts';
import type { TracePipeline, TraceSampler } from './ports.ts';
import { createRedactor, type Redactor } from './redaction.ts';
import type { TracerRuntime } from './runtime.ts';
import type { Origin } from './span-data.ts';
import { Tracer } from './tracer.ts';

export interface TracerProviderOptions {
  /** Shown as the service of every span, at most 100 characters. */
  readonly serviceName: string;
  /** Where spans go. */
  readonly pipeline: TracePipeline;
  /** The head decision; everything is sampled by default. */
  readonly sampler?: TraceSampler;
  /** A UUID; a random one by default. */
  readonly nodeId?: string;
  /** Further attributes of the process: `service.version`, `host.name`. */
  readonly attributes?: Readonly<Record<string, unknown>>;
  readonly limits?: Partial<SpanLimits>;
  /** Keeps secrets out of spans; `createRedactor()`'s rules by default. */
  readonly redactor?: Redactor;
  readonly clock?: Clock;
}

const ALWAYS: TraceSampler = {
  begin(trace) {
    trace.decision = Decision.sampled;
  },
};

/** OpenTelemetry's tracer provider over Forge's span model. Making one changes nothing until `register`. */
export class TracerProvider implements ApiTracerProvider {
  readonly #runtime: TracerRuntime;
  readonly #tracers = new Map<string, Tracer>();

  constructor(options: TracerProviderOptions) {
    this.#runtime = {
      origin: {
        serviceName: options.serviceName.slice(0, 100),
        nodeId: options.nodeId ?? randomUUID(),
        attributes: attributesFromObject(options.attributes ?? {}),
      },
      sampler: options.sampler ?? ALWAYS,
      pipeline: options.pipeline,
      limits: { ...DEFAULT_LIMITS, ...options.limits },
      redactor: options.redactor ?? createRedactor(),
      clock: options.clock ?? new SystemClock(),
      ids: new IdSource(),
      started: 0,
    };
  }

  get origin(): Origin {
    return this.#runtime.origin;
  }

  get pipeline(): TracePipeline {
    return this.#runtime.pipeline;
  }

  /** Spans started so far, recorded or not. */
  get startedSpans(): number {
    return this.#runtime.started;
  }

  getTracer(name: string, version?: string): Tracer {
    const key = `${name}@${version ?? ''}`;
    let tracer = this.#tracers.get(key);
    if (tracer === undefined) {
      tracer = new Tracer(this.#runtime, { name, version, attributes: [] });
      // Names come from code; a program that makes them up at run time must not fill the memory.
      if (this.#tracers.size < 1000) this.#tracers.set(key, tracer);
    }
    return tracer;
  }

  /**
   * Makes this provider and the context manager the process's own: what `@opentelemetry/api` hands out from now on.
   * Returns the undo. Throws FORGE_CORE_ALREADY_REGISTERED when another tracer is there.
   */
  register(): () => void {
    if (!trace.setGlobalTracerProvider(this)) {
      throw new ForgeError(
        'FORGE_CORE_ALREADY_REGISTERED',
        'another OpenTelemetry tracer provider is registered in this process: start only one of them',
      );
    }
    context.setGlobalContextManager(new ForgeContextManager());
    return () => {
      trace.disable();
      context.disable();
    };
  }
}
