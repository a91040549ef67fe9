// One HTTP server under one tracer, in a process of its own, on one core. Its parent asks over IPC what it used.
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';

const require = createRequire(import.meta.url);
const [framework = 'plain', tracer = 'bare', ...toggles] = process.argv.slice(2);
/** Spans that left the tracer: a subject that traced nothing must not win. */
let spans: () => number = () => -1;

const sink = { count: 0 };

const tracers: Record<string, () => void | Promise<void>> = {
  bare: () => undefined,

  async forge() {
    const { Diagnostics, TracerProvider } = await import('@forge/core');
    const { createRegistry } = await import('@forge/instrumentation');
    const { http } = await import('@forge/instrumentation-http');
    const { createPropagation } = await import('@forge/propagation');
    const { createSampling } = await import('@forge/sampling');
    const diagnostics = new Diagnostics();
    const exporting = {
      push: () => void sink.count++,
      flush: () => Promise.resolve(),
      shutdown: () => Promise.resolve(),
    };
    const provider = new TracerProvider({
      serviceName: 'bench',
      ...createSampling({ sampleRate: 1, sink: exporting, diagnostics }),
    });
    provider.register();
    const registry = createRegistry({ provider, propagation: createPropagation(), diagnostics });
    registry.enable([http()]);
    spans = () => sink.count;
  },

  /** What no tracer on AsyncLocalStorage can do without: one storage, entered once a request. */
  async storage() {
    const { AsyncLocalStorage } = await import('node:async_hooks');
    const storage = new AsyncLocalStorage<object>();
    const http = require('node:http') as typeof import('node:http');
    const emit = http.Server.prototype.emit;
    http.Server.prototype.emit = function (this: Server, event: string, ...args: unknown[]) {
      if (event === 'request') return storage.run({}, () => Reflect.apply(emit, this, [event, ...args]) as boolean);
      return Reflect.apply(emit, this, [event, ...args]) as boolean;
    } as typeof emit;
  },

  async otel() {
    const { registerInstrumentations } = await import('@opentelemetry/instrumentation');
    const { HttpInstrumentation } = await import('@opentelemetry/instrumentation-http');
    const { BatchSpanProcessor, NodeTracerProvider } = await import('@opentelemetry/sdk-trace-node');
    const exporter = {
      export(batch: unknown[], done: (result: { code: number }) => void) {
        sink.count += batch.length;
        done({ code: 0 });
      },
      shutdown: () => Promise.resolve(),
    };
    const provider = new NodeTracerProvider({
      spanProcessors: [
        new BatchSpanProcessor(exporter, { maxQueueSize: 100_000, maxExportBatchSize: 512, scheduledDelayMillis: 200 }),
      ],
    });
    provider.register();
    registerInstrumentations({ instrumentations: [new HttpInstrumentation()] });
    spans = () => sink.count;
  },

  async datadog() {
    const { default: dd } = await import('dd-trace');
    dd.init({ startupLogs: false, runtimeMetrics: false, url: process.env['BENCH_AGENT_URL'] ?? '' });
    spans = () => -1;
  },
};

const body = JSON.stringify({ id: 17, item: 'book', total: 42 });

const servers: Record<string, () => Promise<Server>> = {
  async plain() {
    const http = require('node:http') as typeof import('node:http');
    const server = http.createServer((_, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return server;
  },
  async fastify() {
    const { fastify } = require('fastify') as typeof import('fastify');
    const app = fastify();
    app.get<{ Params: { id: string } }>('/api/orders/:id', (request, reply) =>
      reply.send({ id: request.params.id, item: 'book', total: 42 }),
    );
    await app.listen({ port: 0, host: '127.0.0.1' });
    return app.server;
  },
};

const start = tracers[tracer];
const serve = servers[framework];
if (start === undefined || serve === undefined) throw new Error(`unknown subject ${framework} ${tracer}`);
await start();
const server = await serve();

process.on('message', () => {
  const { user, system } = process.cpuUsage();
  if (toggles.includes('gc')) globalThis.gc?.();
  process.send?.({ cpuUs: user + system, rssBytes: process.memoryUsage.rss(), spans: spans() });
});
process.on('disconnect', () => process.exit(0));
process.send?.({ port: (server.address() as AddressInfo).port });
