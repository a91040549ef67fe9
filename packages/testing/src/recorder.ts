import {
  attributesToObject,
  Diagnostics,
  TracerProvider,
  type Span,
  type TracePipeline,
  type TracerProviderOptions,
} from '@forge/core';

/** Ended spans in the order of their ends, and a provider that makes them. */
export interface Recorder {
  readonly provider: TracerProvider;
  readonly diagnostics: Diagnostics;
  /** Lines that the tracer logged: `warn: instrumentation ...`. */
  readonly log: string[];
  readonly spans: Span[];
  /** Started and not yet ended. */
  readonly open: Set<Span>;
  names(): string[];
  /** The only ended span of that name; throws if there is none or more than one. */
  only(name: string): Span;
  tags(span: Span): Record<string, unknown>;
  /** Ended spans as an indented tree of `name resource`, siblings by start: for one readable assertion. */
  tree(): string[];
  clear(): void;
  /** Resolves when `count` spans have ended since the last `clear`. */
  ended(count: number): Promise<void>;
}

export function createRecorder(options: Partial<TracerProviderOptions> = {}): Recorder {
  const spans: Span[] = [];
  const open = new Set<Span>();
  const log: string[] = [];
  let waiting: { count: number; resolve: () => void }[] = [];
  const pipeline: TracePipeline = {
    onStart: (span) => void open.add(span),
    onEnd(span) {
      open.delete(span);
      spans.push(span);
      for (const { count, resolve } of waiting) if (spans.length >= count) resolve();
      waiting = waiting.filter(({ count }) => spans.length < count);
    },
    onKeep: () => undefined,
    flush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  };
  const provider = new TracerProvider({ serviceName: 'test', pipeline, ...options });

  function only(name: string): Span {
    const found = spans.filter((span) => span.name === name);
    if (found.length !== 1)
      throw new Error(
        `expected one ended span named ${name}, found ${found.length} among [${spans.map((span) => span.name).join(', ')}]`,
      );
    return found[0];
  }

  function tree(): string[] {
    const lines: string[] = [];
    const ids = new Set(spans.map((span) => span.spanId));
    const byStart = [...spans].sort((a, b) => a.startUnixUs - b.startUnixUs);
    const visit = (span: Span, depth: number): void => {
      lines.push('  '.repeat(depth) + (span.resource === span.name ? span.name : `${span.name} ${span.resource}`));
      for (const child of byStart) if (child.parentSpanId === span.spanId) visit(child, depth + 1);
    };
    for (const span of byStart) if (span.parentSpanId === undefined || !ids.has(span.parentSpanId)) visit(span, 0);
    return lines;
  }

  return {
    provider,
    diagnostics: new Diagnostics((level, message) => void log.push(`${level}: ${message}`)),
    log,
    spans,
    open,
    names: () => spans.map((span) => span.name),
    only,
    tags: (span) => attributesToObject(span.attributes),
    tree,
    clear: () => void (spans.length = 0),
    ended: (count) =>
      spans.length >= count ? Promise.resolve() : new Promise((resolve) => waiting.push({ count, resolve })),
  };
}
