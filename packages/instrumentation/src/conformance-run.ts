import {
  activeContext,
  attributesToObject,
  contextWithSpan,
  Decision,
  Diagnostics,
  runInContext,
  type Span,
  spanOf,
  TracerProvider,
} from '@forge/core';
import type { Instrumentation } from './contract.ts';
import { Faults } from './conformance-faults.ts';
import { plainPropagation } from './conformance-propagation.ts';
import { createRegistry, installRegistry, type InstrumentationRegistry } from './registry.ts';

/** What `open` may use. */
export interface Kit {
  /** The exports of one of `modules`, as the application sees them: patched, where the plugin runs. */
  module(name: string): unknown;
}

/** Looks at the context from within callbacks. Does nothing in the runs without tracing. */
export interface Seen {
  /** The span of the code that called the library must be active here. */
  caller(where: string): void;
  /** A span of that name, made by the plugin, must be active here: in a handler. */
  within(name: string, where: string): void;
}

/** What the application saw: compared between runs. */
export type Outcome = { readonly returned: unknown } | { readonly threw: Record<string, unknown> };

export interface RunOptions {
  readonly plugin: Instrumentation | undefined;
  readonly modules: Readonly<Record<string, unknown>>;
  /** The call of the plugin to its host that throws, counted from 1. */
  readonly failingCall?: number;
  /** What the head decision says; sampled by default. */
  readonly decision?: Decision;
}

/** One tracer with one plugin, and what it recorded. */
export class Run implements Kit {
  readonly spans: Span[] = [];
  readonly open = new Set<Span>();
  readonly faults: Faults;
  readonly registry: InstrumentationRegistry;
  readonly diagnostics = new Diagnostics(() => undefined);
  /** What `seen` found wrong. */
  readonly complaints: string[] = [];
  readonly #provider: TracerProvider;
  readonly #exports: Map<string, unknown>;
  readonly #undo: () => void;
  #arrival: (() => void) | undefined = undefined;

  constructor(options: RunOptions) {
    this.#exports = new Map(Object.entries(options.modules));
    this.faults = new Faults(options.failingCall ?? 0);
    this.faults.onThrow = () => this.#arrival?.();
    this.#provider = new TracerProvider({
      serviceName: 'conformance',
      sampler: { begin: (trace) => void (trace.decision = options.decision ?? Decision.sampled) },
      pipeline: {
        onStart: (span) => void this.open.add(span),
        onEnd: (span) => {
          this.open.delete(span);
          this.spans.push(span);
          this.#arrival?.();
        },
        onKeep: () => undefined,
        flush: () => Promise.resolve(),
        shutdown: () => Promise.resolve(),
      },
    });
    this.registry = createRegistry({
      provider: this.faults.provider(this.#provider) as TracerProvider,
      propagation: this.faults.propagation({ ...plainPropagation }),
      diagnostics: this.diagnostics,
      onModule: (name, patch) => {
        if (this.#exports.has(name)) {
          const original = this.#exports.get(name);
          const replaced = patch(original, { name, version: undefined, kind: 'cjs' });
          if (replaced !== undefined) this.#exports.set(name, replaced);
        }
        return () => undefined;
      },
    });
    this.#undo = installRegistry(this.registry);
    if (options.plugin !== undefined) this.registry.enable([options.plugin]);
  }

  module(name: string): unknown {
    if (!this.#exports.has(name)) throw new Error(`no module ${name} among the subject's modules`);
    return this.#exports.get(name);
  }

  /** Calls `work` as an application within a span would; the span is ended when the work is done. */
  async call(work: (seen: Seen) => unknown): Promise<Outcome> {
    const caller = this.#provider.getTracer('conformance').start('caller');
    const seen: Seen = {
      caller: (where) => this.#expect(where, 'the caller', (active) => active === caller),
      within: (name, where) => this.#expect(where, name, (active) => active?.name === name),
    };
    const outcome = await runInContext(contextWithSpan(activeContext(), caller), () => outcomeOf(() => work(seen)));
    caller.end();
    return outcome;
  }

  #expect(where: string, what: string, holds: (active: Span | undefined) => boolean): void {
    const active = spanOf(activeContext()) as Span | undefined;
    if (!holds(active)) this.complaints.push(`${where}: the active span is ${active?.name ?? 'none'}, not ${what}`);
  }

  /** Resolves when `count` spans have ended, or a hook has failed; rejects with what there is instead. */
  async ended(count: number, timeoutMs: number): Promise<void> {
    const arrived = (): boolean => this.spans.length >= count || this.faults.thrown !== undefined;
    if (arrived()) return;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        const open = [...this.open].map((span) => span.name).join(', ');
        reject(
          new Error(`${count} spans were to end, but only these did: ${this.tree().join(' | ')}; still open: ${open}`),
        );
      }, timeoutMs);
      this.#arrival = () => {
        if (!arrived()) return;
        clearTimeout(timer);
        this.#arrival = undefined;
        resolve();
      };
    });
  }

  /** Ended spans, children indented by two spaces below their parents, siblings by their start. */
  tree(line: (span: Span) => string = lineOf): string[] {
    const byStart = [...this.spans].sort((a, b) => a.startUnixUs - b.startUnixUs);
    const ids = new Set(byStart.map((span) => span.spanId));
    const lines: string[] = [];
    const visit = (span: Span, indent: string): void => {
      lines.push(indent + line(span));
      for (const child of byStart) if (child.parentSpanId === span.spanId) visit(child, `${indent}  `);
    };
    for (const span of byStart) if (span.parentSpanId === undefined || !ids.has(span.parentSpanId)) visit(span, '');
    return lines;
  }

  close(): void {
    this.registry.disable();
    this.#undo();
  }
}

/** `name resource`, or the name alone where it has no resource of its own. */
export function lineOf(span: Span): string {
  return span.resource === span.name ? span.name : `${span.name} ${span.resource}`;
}

export function tagsOf(span: Span): Record<string, unknown> {
  return attributesToObject(span.attributes);
}

async function outcomeOf(work: () => unknown): Promise<Outcome> {
  try {
    return { returned: await work() };
  } catch (error) {
    if (!(error instanceof Error)) return { threw: { value: error } };
    const { name, message, code } = error as Error & { code?: unknown };
    return { threw: { class: error.constructor.name, name, message, code } };
  }
}
