// One tracer under measurement, in a process of its own: two tracers in one process share (and spoil) inline caches.
// Prints nanoseconds a root span and a nested pair, the median of many rounds.
import { context, trace, SpanKind } from '@opentelemetry/api';

const subject = process.argv[2];
let counted = 0;
const ROUNDS = 25;
const SPANS = 40_000;

interface Subject {
  root(): void;
  nested(): void;
}

async function forge(): Promise<Subject> {
  const { TracerProvider, Kind, activeContext, contextWithSpan, runInContext } = await import('@forge/core');
  const pipeline = {
    onStart() {},
    onEnd() {
      counted++;
    },
    onKeep() {},
    flush: async () => {},
    shutdown: async () => {},
  };
  const provider = new TracerProvider({ serviceName: 'bench', pipeline });
  provider.register();
  const tracer = provider.getTracer('bench');
  return {
    root() {
      tracer
        .start('http.request', Kind.server)
        .set('method', 'GET')
        .set('path', '/api/orders')
        .set('status', 200)
        .end();
    },
    nested() {
      const outer = tracer.start('http.request', Kind.server);
      runInContext(contextWithSpan(activeContext(), outer), () => {
        const inner = tracer.start('db.query', Kind.client);
        runInContext(contextWithSpan(activeContext(), inner), () => inner.end());
      });
      outer.end();
    },
  };
}

/** The same calls for everybody: OpenTelemetry's API, which Forge implements too. */
function api(): Subject {
  const tracer = trace.getTracer('bench');
  return {
    root() {
      const span = tracer.startSpan('http.request', {
        kind: SpanKind.SERVER,
        attributes: { method: 'GET', path: '/api/orders', status: 200 },
      });
      span.end();
    },
    nested() {
      tracer.startActiveSpan('http.request', (outer) => {
        tracer.startActiveSpan('db.query', (inner) => inner.end());
        outer.end();
      });
    },
  };
}

async function otel(): Promise<Subject> {
  const { BasicTracerProvider } = await import('@opentelemetry/sdk-trace-base');
  const { AsyncLocalStorageContextManager } = await import('@opentelemetry/context-async-hooks');
  const processor = {
    onStart() {},
    onEnd() {
      counted++;
    },
    forceFlush: async () => {},
    shutdown: async () => {},
  };
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [processor] }));
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  return api();
}

async function datadog(): Promise<Subject> {
  const { default: tracer } = await import('dd-trace');
  tracer.init({ startupLogs: false, plugins: false, runtimeMetrics: false, flushInterval: 1e9 });
  return {
    root() {
      tracer.startSpan('http.request', { tags: { method: 'GET', path: '/api/orders', status: 200 } }).finish();
    },
    nested() {
      tracer.trace('http.request', () => tracer.trace('db.query', () => undefined));
    },
  };
}

async function floor(): Promise<Subject> {
  const { randomFillSync } = await import('node:crypto');
  const pool = new Int32Array(2048);
  let at = 2048;
  const word = (): number => {
    if (at === 2048) {
      randomFillSync(pool);
      at = 0;
    }
    return pool[at++];
  };
  let sink: unknown;
  const span = (): void => {
    const start = performance.now();
    const object = {
      start,
      end: 0,
      a: word(),
      b: word(),
      c: word(),
      d: word(),
      e: word(),
      tags: ['method', 'GET', 'path', '/api/orders', 'status', 200],
    };
    object.end = performance.now();
    sink = object;
  };
  return {
    root: span,
    nested() {
      span();
      span();
      void sink;
    },
  };
}

const subjects: Record<string, () => Promise<Subject>> = {
  floor,
  forge,
  'forge-api': async () => (await forge(), api()),
  otel,
  datadog,
};
const make = subjects[subject ?? ''];
if (make === undefined) throw new Error(`unknown subject ${subject}; one of ${Object.keys(subjects).join(', ')}`);
const { root, nested } = await make();

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1];
}

async function measure(run: () => void): Promise<number> {
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < SPANS; i++) run();
    rounds.push(Number(process.hrtime.bigint() - start) / SPANS);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return median(rounds.slice(5));
}

const figures = { subject, root: await measure(root), nested: await measure(nested) };
// Spans that never reached the pipeline would make a fine, and wrong, figure.
if (subject !== 'floor' && subject !== 'datadog' && counted < 3 * ROUNDS * SPANS)
  throw new Error(`only ${counted} spans ended`);
console.log(JSON.stringify(figures));
process.exit(0);
