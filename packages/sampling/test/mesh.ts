import {
  activeContext,
  contextWithSpan,
  Kind,
  Status,
  TracerProvider,
  type Clock,
  type Span,
  type Tracer,
} from '@forge/core';
import type { Context } from '@opentelemetry/api';
import { createPropagation, type ForgePropagation } from '@forge/propagation';
import { createHeadSampler } from '../src/head-sampler.ts';
import { decodeHeld } from '../src/held-span.ts';
import { SamplingNode } from '../src/sampling-node.ts';
import { SimulatedKeepLog, type Snapshot } from './simulated-keep-log.ts';

/** A node's part of a request: when things happen, in virtual milliseconds since its start. */
export interface Work {
  /** Index of the node that does it, taken modulo the number of nodes. */
  readonly node: number;
  readonly durationMs: number;
  /** A span inside fails; the caller is told or not. */
  readonly error: 'none' | 'inner' | 'root';
  readonly calls: readonly Call[];
  /** A job runs that much later, on another node. */
  readonly job?: { readonly delayMs: number; readonly node: number; readonly fails: boolean };
}

export interface Call {
  readonly atMs: number;
  readonly latencyMs: number;
  readonly work: Work;
  /** The answer's header does not arrive, as when the caller has given up. */
  readonly answerLost: boolean;
  /** The caller's span ends at once, its callee works on. */
  readonly detached: boolean;
}

export interface MeshOptions {
  readonly nodes: number;
  readonly sampleRate: number;
  readonly trusted: boolean;
  readonly ringMaxAgeMs: number;
  readonly ringMaxBytes: number;
  readonly slowThresholdMs: number;
  readonly maxKeptPerSecond: number;
  /** By how much each node's wall clock is wrong. */
  readonly skewMs: readonly number[];
  /** Draws numbers in [0, 1): delays, duplicates, orders. */
  readonly draw: () => number;
  /** A transaction may take so long. */
  readonly maxCommitMs: number;
  /** The keep log neither commits nor answers in this time. */
  readonly stall?: { readonly fromMs: number; readonly toMs: number };
  /** A node dies. */
  readonly crash?: { readonly atMs: number; readonly node: number };
}

/** What really happened: every span that ended, and every trace with a reason to be kept. */
export interface Oracle {
  readonly spans: {
    readonly traceId: string;
    readonly spanId: string;
    readonly nodeId: string;
    readonly endMs: number;
  }[];
  readonly triggered: Set<string>;
  readonly traces: Map<string, Span>;
}

interface MeshNode {
  readonly id: string;
  readonly tracer: Tracer;
  readonly node: SamplingNode;
  snapshot: Snapshot | undefined;
  alive: boolean;
}

class VirtualClock implements Clock {
  readonly #mesh: { nowMs: number };
  readonly #skewMs: number;

  constructor(mesh: { nowMs: number }, skewMs: number) {
    this.#mesh = mesh;
    this.#skewMs = skewMs;
  }

  nowMs(): number {
    return this.#mesh.nowMs;
  }

  anchorMs(): number {
    return Date.UTC(2026, 0, 1) + this.#skewMs;
  }
}

/**
 * Nodes, their network and their keep log in virtual time: the product's own sampler, propagator and protocol, with
 * everything around them simulated.
 */
export class Mesh {
  nowMs = 0;
  readonly log = new SimulatedKeepLog();
  readonly oracle: Oracle = { spans: [], triggered: new Set(), traces: new Map() };
  /** Ids of stored spans, with how often each was pushed. */
  readonly stored = new Map<string, number>();
  maxRingBytes = 0;
  readonly #options: MeshOptions;
  readonly #nodes: MeshNode[] = [];
  readonly #propagation: ForgePropagation;
  // A heap would be quicker; schedules are short.
  readonly #events = new Map<number, (() => void)[]>();

  constructor(options: MeshOptions) {
    this.#options = options;
    this.#propagation = createPropagation({ trusted: () => options.trusted });
    for (let i = 0; i < options.nodes; i++) this.#nodes.push(this.#makeNode(i));
    if (options.crash !== undefined) {
      const { atMs, node } = options.crash;
      this.at(atMs, () => void (this.#nodes[node % options.nodes].alive = false));
    }
  }

  at(ms: number, run: () => void): void {
    const key = Math.max(Math.round(ms), this.nowMs);
    const list = this.#events.get(key);
    if (list === undefined) this.#events.set(key, [run]);
    else list.push(run);
  }

  /** Lets a request arrive from outside. */
  request(atMs: number, work: Work): void {
    this.at(atMs, () => this.#serve(work, activeContext(), 'http.request', Kind.server, () => undefined));
  }

  /** Runs until nothing is left to happen but the nodes' own rounds, and then for `quietMs` more. */
  run(untilMs: number): void {
    for (; this.nowMs <= untilMs; this.nowMs++) {
      const due = this.#events.get(this.nowMs);
      if (due !== undefined) {
        this.#events.delete(this.nowMs);
        // Events of the same moment happen in any order.
        for (const run of shuffled(due, this.#options.draw)) run();
        // ... and may cause others at once.
        for (let more = this.#events.get(this.nowMs); more !== undefined; more = this.#events.get(this.nowMs)) {
          this.#events.delete(this.nowMs);
          for (const run of more) run();
        }
      }
    }
  }

  counts(): Record<string, number>[] {
    return this.#nodes.map(({ node }) => node.counts());
  }

  #makeNode(i: number): MeshNode {
    const { sampleRate, ringMaxAgeMs, ringMaxBytes, slowThresholdMs, maxKeptPerSecond, skewMs, draw } = this.#options;
    const id = `node-${i}`;
    const clock = new VirtualClock(this, skewMs[i % skewMs.length] ?? 0);
    const node = new SamplingNode(
      {
        nodeId: id,
        settings: { keepErrors: true, keepSlow: true, slowThresholdMs, maxKeptPerSecond, overrides: [] },
        sink: {
          push: (span) => void this.stored.set(span.spanId, (this.stored.get(span.spanId) ?? 0) + 1),
          flush: () => Promise.resolve(),
          shutdown: () => Promise.resolve(),
        },
        ringMaxBytes,
        ringMaxAgeMs,
        // As many segments for few spans as there usually are for many.
        segmentBytes: 4096,
        shared: true,
      },
      0,
    );
    const pipeline = {
      onStart: (span: Span) => node.onStart(span),
      onEnd: (span: Span) => {
        const { traceId } = span;
        this.oracle.spans.push({ traceId, spanId: span.spanId, nodeId: id, endMs: this.nowMs });
        this.oracle.traces.set(traceId, span);
        if (span.status === Status.error || (span.isLocalRoot && span.elapsedMs >= slowThresholdMs))
          this.oracle.triggered.add(traceId);
        node.onEnd(span);
      },
      onKeep: node.onKeep.bind(node),
      flush: () => Promise.resolve(),
      shutdown: () => Promise.resolve(),
    };
    const provider = new TracerProvider({
      serviceName: id,
      nodeId: id,
      clock,
      pipeline,
      sampler: createHeadSampler({ sampleRate }),
    });
    const meshNode: MeshNode = { id, tracer: provider.getTracer('mesh'), node, snapshot: undefined, alive: true };
    this.log.beats.set(id, 0);
    this.#every(100, draw() * 100, meshNode, () => {
      node.tick(this.nowMs);
      this.maxRingBytes = Math.max(this.maxRingBytes, node.counts()['forge_sampling_ring_bytes']);
      this.#write(meshNode);
    });
    this.#every(500, draw() * 500, meshNode, () => this.#poll(meshNode));
    this.#every(1000, draw() * 1000, meshNode, () => this.#beat(meshNode));
    this.#every(2000, draw() * 2000, meshNode, () => this.#promote(meshNode));
    return meshNode;
  }

  #every(periodMs: number, firstMs: number, node: MeshNode, run: () => void): void {
    this.at(this.nowMs + firstMs, () => {
      if (!node.alive) return;
      run();
      this.#every(periodMs, periodMs, node, run);
    });
  }

  // --- requests ---

  #serve(
    work: Work,
    context: Context,
    name: string,
    kind: Kind,
    answer: (get: (name: string) => string | undefined) => void,
  ): void {
    const meshNode = this.#nodes[work.node % this.#nodes.length];
    if (!meshNode.alive) return;
    const { tracer } = meshNode;
    const root = tracer.start(name, kind, context).set('path', '/x').set('n', work.calls.length);
    const inside = contextWithSpan(activeContext(), root);
    if (work.error === 'inner')
      this.#in(work.durationMs * 0.5, meshNode, () =>
        tracer.start('auth.verify', Kind.internal, inside).fail(new Error('denied')).end(),
      );
    for (const call of work.calls) this.#in(call.atMs, meshNode, () => this.#call(meshNode, inside, call));
    const { job } = work;
    if (job !== undefined) this.#in(work.durationMs * 0.9, meshNode, () => this.#dispatch(meshNode, inside, job));
    this.#in(work.durationMs, meshNode, () => {
      if (work.error === 'root') root.fail(new Error('broken'));
      root.end();
      const headers = new Map<string, string>();
      this.#propagation.respond(root.trace, (header, value) => void headers.set(header, value));
      answer((header) => headers.get(header));
    });
  }

  #call(meshNode: MeshNode, context: Context, { latencyMs, work, answerLost, detached }: Call): void {
    const span = meshNode.tracer.start('grpc.call', Kind.client, context);
    const headers = this.#inject(contextWithSpan(context, span));
    this.at(this.nowMs + latencyMs, () =>
      this.#serve(work, this.#extract(headers), 'grpc.call', Kind.server, (get) =>
        this.#in(latencyMs, meshNode, () => {
          if (!answerLost) this.#propagation.heed(span.trace, get, 'grpc://peer');
          span.end();
        }),
      ),
    );
    if (detached) span.end();
  }

  #dispatch(meshNode: MeshNode, context: Context, job: NonNullable<Work['job']>): void {
    const span = meshNode.tracer.start('job.dispatch', Kind.producer, context);
    const headers = this.#inject(contextWithSpan(context, span));
    span.end();
    const work: Work = { node: job.node, durationMs: 5, error: job.fails ? 'root' : 'none', calls: [] };
    this.at(this.nowMs + job.delayMs, () =>
      this.#serve(work, this.#extract(headers), 'job.execute', Kind.consumer, () => undefined),
    );
  }

  #in(delayMs: number, meshNode: MeshNode, run: () => void): void {
    this.at(this.nowMs + delayMs, () => {
      if (meshNode.alive) run();
    });
  }

  #inject(context: Context): Map<string, string> {
    const headers = new Map<string, string>();
    this.#propagation.inject(context, (name, value) => void headers.set(name, value));
    return headers;
  }

  #extract(headers: Map<string, string>): Context {
    return this.#propagation.extract(activeContext(), (name) => headers.get(name), 'grpc://peer');
  }

  // --- the keep log ---

  /** When what is asked of the keep log now is done. */
  #doneAt(maxMs: number): number {
    const at = this.nowMs + this.#options.draw() * maxMs;
    const { stall } = this.#options;
    return stall !== undefined && at >= stall.fromMs && this.nowMs < stall.toMs
      ? stall.toMs + this.#options.draw() * maxMs
      : at;
  }

  #write(meshNode: MeshNode): void {
    const { node } = meshNode;
    const { draw, maxCommitMs } = this.#options;
    const keeps = node.takeKeeps();
    if (keeps.length > 0) {
      const xid = this.log.begin();
      // Some fail and come again; a crash in between leaves it to the database, which may have heard the commit.
      const fails = draw() < 0.1;
      this.at(this.#doneAt(maxCommitMs), () => {
        if (fails) this.log.abort(xid);
        else this.log.commit(xid, keeps);
        if (fails) node.putBackKeeps(keeps);
      });
    }
    const gaps = node.takeGaps();
    if (gaps.length > 0) this.at(this.#doneAt(100), () => this.log.gap(gaps));
    const parked = node.takeParked();
    if (parked.length > 0) this.at(this.#doneAt(100), () => this.log.park(parked));
  }

  #poll(meshNode: MeshNode): void {
    const startedMs = this.nowMs;
    const { draw } = this.#options;
    const since = meshNode.snapshot;
    const at = this.#doneAt(50);
    // The snapshot is taken when the database answers; what came before it may be handed over twice, in any order.
    this.at(at, () => {
      if (!meshNode.alive) return;
      const { rows, snapshot } = this.log.poll(since);
      meshNode.snapshot = snapshot;
      const repeated = rows.flatMap((row) => (draw() < 0.2 ? [row, row] : [row]));
      meshNode.node.heed(shuffled(repeated, draw));
      meshNode.node.polled(startedMs);
    });
  }

  #beat(meshNode: MeshNode): void {
    this.at(this.#doneAt(20), () => {
      if (!meshNode.alive) return;
      const { beats, deaths } = this.log;
      beats.set(meshNode.id, this.nowMs);
      for (const [nodeId, lastMs] of beats) {
        const silentMs = this.nowMs - lastMs;
        if (silentMs < 10_000) continue;
        deaths.push({ nodeId, silentMs, heldMs: 20_000 });
        beats.delete(nodeId);
      }
    });
  }

  #promote(meshNode: MeshNode): void {
    this.at(this.#doneAt(20), () => {
      if (!meshNode.alive) return;
      const claimed = this.log.claim(this.nowMs);
      for (const { spans } of claimed)
        for (const span of decodeHeld(spans)) this.stored.set(span.spanId, (this.stored.get(span.spanId) ?? 0) + 1);
      this.log.settle(claimed.map(({ id }) => id));
    });
  }
}

function shuffled<T>(list: readonly T[], draw: () => number): T[] {
  const result = [...list];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(draw() * (i + 1));
    [result[i], result[j]] = [result[j], result[i]];
  }
  return result;
}
