// One process of the sampling experiment: the gateway or a worker, with real gRPC between them. Writes every span that
// it ends to a file, the oracle, before the sampling sees it. Started and told what to do by sampling.bench.ts.
import * as grpc from '@grpc/grpc-js';
import {
  activeContext,
  contextWithSpan,
  Diagnostics,
  Kind,
  runInContext,
  Status,
  SystemClock,
  TracerProvider,
  type Clock,
  type Span,
  type SpanData,
} from '@forge/core';
import { createExportQueue } from '@forge/export';
import { createPropagation } from '@forge/propagation';
import { createSampling, type KeepLog } from '@forge/sampling';
import { createPostgresKeepLog, createPostgresStore } from '@forge/storage-postgres';
import { openSync, writeSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { nominalMs, type Call, type Work } from './sampling-work.ts';

export interface ProcessOptions {
  readonly index: number;
  readonly nodeId: string;
  readonly url: string;
  readonly oracleFile: string;
  readonly sampleRate: number;
  readonly triggers: boolean;
  readonly keepLog: boolean;
  readonly trusted: boolean;
  readonly skewMs: number;
  readonly maxKeptPerSecond: number;
  /** Keeps are written twice and read twice, in another order. */
  readonly chaos: boolean;
}

export interface ProcessReport {
  readonly counts: Record<string, number>;
  readonly maxRingBytes: number;
  readonly spans: number;
  readonly bytes: number;
  readonly shippedBytes: number;
  readonly shippedSpans: number;
  /** What requests took beyond what they had to, milliseconds, with when they began. */
  readonly overheads: readonly (readonly [atMs: number, overheadMs: number])[];
  readonly loopDelayP99Ms: number;
  readonly log: readonly string[];
}

const options = JSON.parse(process.argv[2]) as ProcessOptions;
const service = options.index === 0 ? 'gateway' : `worker-${options.index}`;
const log: string[] = [];
const diagnostics = new Diagnostics((level, message) => void log.push(`${level}: ${message}`));

class SkewedClock implements Clock {
  readonly #system = new SystemClock();
  nowMs(): number {
    return this.#system.nowMs();
  }
  anchorMs(nowMs: number): number {
    return this.#system.anchorMs(nowMs) + options.skewMs;
  }
}
const clock = new SkewedClock();

// --- tracing ---

function sizeOf(span: SpanData): number {
  return 120 + span.name.length + span.resource.length + JSON.stringify(span.attributes).length;
}

const store = createPostgresStore({ url: options.url, maxConnections: 3, diagnostics });
const queue = createExportQueue(
  {
    name: 'postgres',
    async export(batch, signal) {
      await store.write(batch, signal);
      return { rejected: 0 };
    },
    shutdown: () => store.close(),
  },
  { diagnostics, maxQueuedSpans: 200_000, maxQueuedBytes: 256 * 1024 * 1024, delayMs: 200 },
);
let shippedBytes = 0;
let shippedSpans = 0;
const sink = {
  push(span: SpanData) {
    shippedSpans++;
    shippedBytes += sizeOf(span);
    queue.push(span);
  },
  flush: () => queue.flush(20_000),
  shutdown: () => queue.shutdown(20_000),
};
const realKeepLog = createPostgresKeepLog({ url: options.url, nodeId: options.nodeId });
const keepLog: KeepLog = options.chaos ? chaotic(realKeepLog) : realKeepLog;
const sampling = createSampling({
  sampleRate: options.sampleRate,
  alwaysSample: options.triggers ? ['errors', 'slow_requests'] : [],
  maxKeptPerSecond: options.maxKeptPerSecond,
  sink,
  diagnostics,
  nodeId: options.nodeId,
  serviceName: service,
  trafficLog: realKeepLog,
  clock,
  ...(options.keepLog ? { keepLog } : {}),
});

const oracle = openSync(options.oracleFile, 'a');
let lines = '';
let spans = 0;
let bytes = 0;
let maxRingBytes = 0;
const { pipeline } = sampling;
const provider = new TracerProvider({
  serviceName: service,
  nodeId: options.nodeId,
  clock,
  sampler: sampling.sampler,
  pipeline: {
    ...pipeline,
    onEnd(span) {
      spans++;
      bytes += sizeOf(span);
      const flags = `${span.status === Status.error ? 'e' : ''}${span.isLocalRoot && span.elapsedMs >= 1000 ? 's' : ''}`;
      lines += `${span.traceId} ${span.spanId} ${flags === '' ? '-' : flags} ${span.name}\n`;
      if (lines.length > 4096) writeOracle();
      pipeline.onEnd(span);
    },
  },
});
const tracer = provider.getTracer('experiment');
const propagation = createPropagation({ trusted: () => options.trusted });
setInterval(
  () => (maxRingBytes = Math.max(maxRingBytes, diagnostics.counts()['forge_sampling_ring_bytes'])),
  50,
).unref();

function writeOracle(): void {
  writeSync(oracle, lines);
  lines = '';
}

function chaotic(real: KeepLog): KeepLog {
  return {
    append: async (rows) => {
      await sleep(Math.random() * 1500);
      await real.append([...rows].reverse());
      if (Math.random() < 0.5) await real.append(rows);
    },
    poll: async (cursor) => {
      const page = await real.poll(cursor);
      return { ...page, rows: [...page.rows, ...page.rows].sort(() => Math.random() - 0.5) };
    },
    heartbeat: (beat) => real.heartbeat(beat),
    leave: (id) => real.leave(id),
    gap: (rows) => real.gap(rows),
    bury: (death) => real.bury(death),
    park: (rows) => real.park(rows),
    claimParked: (limit) => real.claimParked(limit),
    settleParked: (ids) => real.settleParked(ids),
    expireParked: (ms) => real.expireParked(ms),
    close: () => real.close(),
  };
}

// --- what it does ---

async function serve(work: Work, root: Span): Promise<void> {
  const context = contextWithSpan(activeContext(), root);
  const calls = (work.calls ?? []).map((call) => runInContext(context, () => invoke(call)));
  await sleep(work.ms * 0.4);
  const query = tracer.start('db.query', Kind.client, context).set('operation', 'SELECT').set('table', 'orders');
  query.set('query', 'SELECT id, customer, total FROM orders WHERE id = $1').setResource('SELECT orders');
  await sleep(work.ms * 0.2);
  if (work.error !== undefined) query.fail(new Error('relation is locked'));
  query.end();
  if (work.job !== undefined) runInContext(context, () => dispatch(work.job!));
  await sleep(work.ms * 0.4);
  await Promise.all(calls);
}

function dispatch(job: NonNullable<Work['job']>): void {
  const span = tracer.start('job.dispatch', Kind.producer).set('job_type', 'send_confirmation');
  const carrier: Record<string, string> = {};
  propagation.inject(contextWithSpan(activeContext(), span), (name, value) => void (carrier[name] = value));
  span.end();
  setTimeout(() => {
    const client = clients[job.node];
    client?.makeUnaryRequest('/experiment/Job', toBytes, fromBytes, { carrier, fails: job.fails }, () => undefined);
  }, job.delayMs);
}

async function invoke(call: Call): Promise<void> {
  await sleep(call.atMs);
  const span = tracer.start('grpc.call', Kind.client).set('service', 'Experiment').set('method', 'Work');
  const metadata = new grpc.Metadata();
  propagation.inject(contextWithSpan(activeContext(), span), (name, value) => metadata.set(name, value));
  const done = new Promise<void>((resolve) => {
    const client = clients[call.work.node];
    if (client === undefined) {
      span.fail(new Error('no such peer')).end();
      resolve();
      return;
    }
    const running = client.makeUnaryRequest('/experiment/Work', toBytes, fromBytes, call.work, metadata, (error) => {
      if (error !== null && error.code !== grpc.status.CANCELLED && call.work.error !== 'swallowed') span.fail(error);
      span.end();
      resolve();
    });
    running.on('status', ({ metadata: trailer }) =>
      propagation.heed(span.trace, (name) => trailer.get(name)[0]?.toString(), 'grpc://peer'),
    );
    if (call.cancelMs !== undefined) setTimeout(() => running.cancel(), call.cancelMs);
  });
  if (call.detached !== true) await done;
}

const toBytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const fromBytes = (buffer: Buffer): unknown => JSON.parse(buffer.toString()) as unknown;
let clients: (grpc.Client | undefined)[] = [];

const method = (path: string): grpc.MethodDefinition<unknown, unknown> => ({
  path,
  requestStream: false,
  responseStream: false,
  requestSerialize: toBytes,
  requestDeserialize: fromBytes,
  responseSerialize: toBytes,
  responseDeserialize: fromBytes,
});
const server = new grpc.Server();
server.addService(
  { Work: method('/experiment/Work'), Job: method('/experiment/Job') },
  {
    Work(call: grpc.ServerUnaryCall<Work, object>, reply: grpc.sendUnaryData<object>) {
      const context = propagation.extract(
        activeContext(),
        (name) => call.metadata.get(name)[0]?.toString(),
        'grpc://peer',
      );
      const root = tracer.start('grpc.call', Kind.server, context).set('service', 'Experiment').set('method', 'Work');
      root.setResource('Experiment/Work');
      void work(call.request, root, reply);
    },
    Job(
      call: grpc.ServerUnaryCall<{ carrier: Record<string, string>; fails: boolean }, object>,
      reply: grpc.sendUnaryData<object>,
    ) {
      const { carrier, fails } = call.request;
      const context = propagation.extract(activeContext(), (name) => carrier[name], 'job://send_confirmation');
      const root = tracer.start('job.execute', Kind.consumer, context).set('job_type', 'send_confirmation');
      if (fails) root.fail(new Error('mail server says no'));
      root.end();
      reply(null, {});
    },
  },
);

async function work(asked: Work, root: Span, reply: grpc.sendUnaryData<object>): Promise<void> {
  await serve(asked, root);
  const failed = asked.error !== undefined;
  if (failed) root.setStatus({ code: Status.error, message: 'failed' });
  root.end();
  const trailer = new grpc.Metadata();
  propagation.respond(root.trace, (name, value) => trailer.set(name, value));
  if (failed) reply({ code: grpc.status.INTERNAL, details: 'failed', metadata: trailer });
  else reply(null, {}, trailer);
}

const overheads: [number, number][] = [];
const loop = monitorEventLoopDelay({ resolution: 10 });
loop.enable();

async function request(work: Work): Promise<void> {
  const startedMs = performance.now();
  const root = tracer
    .start('http.request', Kind.server)
    .set('method', 'POST')
    .set('path', '/api/orders')
    .set('status', 201);
  root.setResource('POST /api/orders');
  await serve(work, root);
  if (work.error !== undefined) root.setStatus({ code: Status.error });
  root.end();
  overheads.push([Date.now(), performance.now() - startedMs - nominalMs(work)]);
}

type Message = { readonly peers: readonly number[] } | { readonly works: readonly Work[] } | { readonly stop: true };

process.on('message', (message: Message) => {
  if ('peers' in message) {
    for (const client of clients) client?.close();
    clients = message.peers.map((port) => new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure()));
  } else if ('works' in message) for (const work of message.works) void request(work);
  else if ('drain' in message) void drain();
  else void stop();
});

/** All that was kept so far is stored, however slow the database is on a busy machine; says how long that took. */
async function drain(): Promise<void> {
  const startedMs = Date.now();
  const { queuedSpans } = queue.state();
  await queue.flush(300_000);
  process.send!({ drained: { queuedSpans, ms: Date.now() - startedMs } });
}

async function stop(): Promise<void> {
  const { counts } = { counts: diagnostics.counts() };
  writeOracle();
  await pipeline.shutdown();
  if (!options.keepLog) await realKeepLog.close();
  writeOracle();
  const report: ProcessReport = {
    counts,
    maxRingBytes,
    spans,
    bytes,
    shippedBytes,
    shippedSpans,
    overheads,
    loopDelayP99Ms: loop.percentile(99) / 1e6,
    log,
  };
  process.send!({ report }, () => process.exit(0));
}

process.on('disconnect', () => process.exit(1));
server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  process.send!({ port });
});
