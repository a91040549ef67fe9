import { Decision, Kind, Status, type KeepReason, type LocalTrace, type Span } from '@forge/core';
import { Admission } from './admission.ts';
import { encodeHeld, type HeldSpan } from './held-span.ts';
import type { GapRow, KeepPage, KeepRow, KeepRowReason, ParkedSpans } from './keep-log.ts';
import { LocalState, OpenRoots } from './open-roots.ts';
import type { SamplingOverride } from './overrides.ts';
import { Pins, PinState } from './pins.ts';
import { SpanRing, type TraceWords } from './span-ring.ts';
import type { SpanSink } from './span-sink.ts';
import { passes, thresholdOfRate, type Threshold } from './threshold.ts';
import { Traffic } from './traffic.ts';

export interface NodeSettings {
  readonly keepErrors: boolean;
  readonly keepSlow: boolean;
  readonly slowThresholdMs: number;
  readonly maxKeptPerSecond: number;
  readonly overrides: readonly SamplingOverride[];
}

export interface NodeOptions {
  readonly nodeId: string;
  readonly settings: NodeSettings;
  readonly sink: SpanSink;
  readonly ringMaxBytes: number;
  readonly ringMaxAgeMs: number;
  readonly segmentBytes?: number;
  /** Whether there are others: without them nothing is written down for them, and nothing parked. */
  readonly shared: boolean;
}

/** How long a kept trace is known as such, for spans that end or arrive later. */
const PIN_MS = 15 * 60_000;
/** A peer's word that nobody has confirmed in the keep log by then is written there by us. */
const CONFIRM_MS = 2000;
/** Polling may lag by this share of the ring's age without the ring holding longer for it. */
const POLL_SLACK_SHARE = 0.15;
/** A longer pause between polls is an outage: the ring then forgets nothing for age until others have caught up, too. */
const PAUSE_MS = 3000;
const CATCH_UP_MS = 20_000;
/** What pins may take of the ring's memory. */
const PIN_SHARE = 0.25;
const MAX_PENDING = 100_000;
const MAX_PENDING_PARK_BYTES = 64 * 1024 * 1024;

/**
 * One node's side of the protocol, without clock and without I/O: spans, rows that others wrote and the time come in;
 * spans for the sink, and rows for the keep log come out. Everything is synchronous, so a test can run a whole mesh
 * through any order of events.
 *
 *     onStart, onEnd, onKeep  ->  +------------+  ->  sink
 *     heed(rows), polled(at)  ->  | ring, pins |  ->  takeKeeps, takeGaps, takeParked
 *     tick(now)               ->  +------------+
 */
export class SamplingNode {
  readonly #nodeId: string;
  readonly #sink: SpanSink;
  readonly #shared: boolean;
  readonly #maxAgeMs: number;
  readonly #ring: SpanRing;
  readonly #roots = new OpenRoots();
  readonly #admission: Admission;
  readonly traffic = new Traffic();
  #settings: NodeSettings;
  #named: ReadonlyMap<string, NamedOverride> = new Map();
  #nowMs: number;
  #polledMs: number;
  #heardBeforeMs = 0;
  #graceUntilMs = -Infinity;
  readonly #pins: Pins;
  readonly #unconfirmed = new Map<string, number>();
  #keeps = new Map<string, KeepRow>();
  #gaps = new Map<string, GapRow>();
  #parked: ParkedSpans[] = [];
  #parkedBytes = 0;
  // What became of traces and spans, for counters.
  #kept: Record<KeepReason, number> = { error: 0, slow: 0, peer: 0, forced: 0, job: 0 };
  #heardTraces = 0;
  #heldFlushed = 0;
  #straight = 0;
  #gapRows = 0;
  #parkedTraces = 0;
  #parkedOutBytes = 0;
  #lostRows = 0;

  constructor(options: NodeOptions, nowMs: number) {
    this.#nodeId = options.nodeId;
    this.#sink = options.sink;
    this.#shared = options.shared;
    this.#maxAgeMs = options.ringMaxAgeMs;
    const pins = (this.#pins = new Pins(options.ringMaxBytes * PIN_SHARE, PIN_MS));
    this.#ring = new SpanRing(
      {
        maxBytes: options.ringMaxBytes * (1 - PIN_SHARE),
        maxAgeMs: options.ringMaxAgeMs,
        ...(options.segmentBytes === undefined ? {} : { segmentBytes: options.segmentBytes }),
      },
      {
        wants: (w0, w1, w2, w3) => pins.parked > 0 && pins.state(w0, w1, w2, w3) === PinState.parked,
        onDropped: (traceId, spans) => this.#parkOut(traceId, spans),
      },
    );
    this.#admission = new Admission(options.settings.maxKeptPerSecond);
    this.#settings = options.settings;
    this.#nowMs = nowMs;
    this.#polledMs = nowMs;
    this.reload(options.settings);
    this.tick(nowMs);
  }

  /** Takes new settings for all that happens from now on. */
  reload(settings: NodeSettings): void {
    this.#settings = settings;
    this.#admission.maxPerSecond = settings.maxKeptPerSecond;
    const named = new Map<string, NamedOverride>();
    for (const { operation, slowThresholdMs, sampleRate } of settings.overrides) {
      const key = operation ?? '';
      if (named.has(key)) continue;
      named.set(key, {
        slowMs: slowThresholdMs === undefined ? undefined : slowThresholdMs === false ? Infinity : slowThresholdMs,
        threshold: sampleRate === undefined ? undefined : thresholdOfRate(sampleRate),
      });
    }
    this.#named = named;
  }

  // --- spans ---

  onStart(span: Span): void {
    const { trace } = span;
    let state = trace.slot as LocalState | undefined;
    if (state === undefined) {
      trace.slot = state = new LocalState(trace, this.#slowMsOf(span));
      this.#roots.add(state);
      if (trace.forgeParentId !== undefined) span.set('forge.parent_id', trace.forgeParentId);
      // Nobody can have spoken of a trace that begins here.
      if ((span.parentHigh | span.parentLow) === 0) state.pinsVersion = this.#pins.version;
    }
    if (trace.decision === Decision.undecided && state.pinsVersion !== this.#pins.version) this.#learn(trace, state);
  }

  onEnd(span: Span): void {
    const { trace } = span;
    const operation = this.traffic.operationOf(span);
    this.traffic.count(operation, span);
    const state = (trace.slot ??= new LocalState(trace, Infinity)) as LocalState;
    if (trace.decision !== Decision.kept) {
      if (span.status === Status.error && this.#settings.keepErrors) {
        this.#trigger(state, span.kind === Kind.consumer ? 'job' : 'error');
      }
      if (trace.root === span) this.#endRoot(span, state);
    } else if (trace.root === span) this.#roots.remove(state);
    if (trace.decision === Decision.undecided && state.pinsVersion !== this.#pins.version) this.#learn(trace, state);
    if (trace.decision === Decision.undecided) {
      this.#ring.write(span, operation);
      if (span.kind === Kind.producer && this.#shared) this.#park(trace);
      return;
    }
    this.#straight++;
    this.#sink.push(span);
  }

  /** The trace was kept by `LocalTrace.keep`: by us, by the application, or by a trusted peer's word. */
  onKeep(trace: LocalTrace, reason: KeepReason): void {
    this.#keep(trace, reason, 1);
  }

  // --- what others say ---

  /** Rows of the keep log, in any order and any number of times. */
  heed(rows: KeepPage['rows']): void {
    const fresh: (TraceWords & { readonly traceId: string })[] = [];
    for (const { traceId, reason } of rows) {
      if (traceId.length !== 32) continue;
      const w0 = wordOf(traceId, 0);
      const w1 = wordOf(traceId, 8);
      const w2 = wordOf(traceId, 16);
      const w3 = wordOf(traceId, 24);
      if (reason === 'park') {
        this.#pins.set(w0, w1, w2, w3, PinState.parked, this.#nowMs);
        continue;
      }
      this.#unconfirmed.delete(traceId);
      if (this.#pins.set(w0, w1, w2, w3, PinState.kept, this.#nowMs) !== PinState.kept)
        fresh.push({ w0, w1, w2, w3, traceId });
    }
    if (fresh.length === 0) return;
    this.#heardTraces += fresh.length;
    this.#flush(fresh);
    for (const trace of fresh) if (this.#ring.hasLost(trace)) this.#gap(trace.traceId, 'late');
  }

  /** A poll that began at `startedMs` has come back whole. */
  polled(startedMs: number): void {
    const pauseMs = startedMs - this.#polledMs;
    if (pauseMs <= 0) return;
    if (pauseMs > PAUSE_MS) {
      // The keep log was away, for others too as a rule: what they had to say in that time is still on its way.
      if (startedMs >= this.#graceUntilMs) this.#heardBeforeMs = this.#polledMs;
      this.#graceUntilMs = startedMs + CATCH_UP_MS;
    }
    this.#polledMs = startedMs;
  }

  /** Sum of the other nodes' triggers a second. */
  heardOthers(triggersPerSecond: number): void {
    this.#admission.heardOthers(triggersPerSecond);
  }

  get triggersPerSecond(): number {
    return this.#admission.perSecond;
  }

  // --- time ---

  /** To be called about ten times a second. */
  tick(nowMs: number): void {
    this.#nowMs = nowMs;
    this.#admission.tick(nowMs);
    this.#roots.takeDue((state) => this.#due(state));
    // While the keep log is out of reach, only the bound on memory makes the ring forget: a keep may wait there.
    const polledMs = nowMs < this.#graceUntilMs ? this.#heardBeforeMs : this.#polledMs;
    const heardMs = this.#shared ? Math.min(nowMs, polledMs + this.#maxAgeMs * POLL_SLACK_SHARE) : nowMs;
    this.#ring.tick(nowMs, heardMs - this.#maxAgeMs);
    this.#pins.tick(nowMs);
    for (const [traceId, sinceMs] of this.#unconfirmed) {
      if (nowMs - sinceMs < CONFIRM_MS) break;
      this.#unconfirmed.delete(traceId);
      this.#append(traceId, 'peer', 1);
    }
  }

  // --- what is to be written down for others ---

  /** Takes rows to append; `putBackKeeps` returns them where that failed. */
  takeKeeps(limit = 5000): KeepRow[] {
    return takeFrom(this.#keeps, limit);
  }

  putBackKeeps(rows: readonly KeepRow[]): void {
    for (const row of rows) this.#append(row.traceId, row.reason, row.weight);
  }

  takeGaps(limit = 5000): GapRow[] {
    return takeFrom(this.#gaps, limit);
  }

  putBackGaps(rows: readonly GapRow[]): void {
    for (const { traceId, reason } of rows) this.#gap(traceId, reason, false);
  }

  takeParked(limit = 200): ParkedSpans[] {
    const rows = this.#parked.splice(0, limit);
    for (const { spans } of rows) this.#parkedBytes -= spans.length;
    return rows;
  }

  putBackParked(rows: readonly ParkedSpans[]): void {
    this.#parked.unshift(...rows);
    for (const { spans } of rows) this.#parkedBytes += spans.length;
  }

  /** Moves what is held of parked traces to `takeParked`: before the process ends. */
  parkAll(): void {
    this.#ring.clear();
  }

  /** Prometheus names. */
  counts(): Record<string, number> {
    return {
      'forge_sampling_kept_traces_total{reason="error"}': this.#kept.error,
      'forge_sampling_kept_traces_total{reason="slow"}': this.#kept.slow,
      'forge_sampling_kept_traces_total{reason="peer"}': this.#kept.peer,
      'forge_sampling_kept_traces_total{reason="forced"}': this.#kept.forced,
      'forge_sampling_kept_traces_total{reason="job"}': this.#kept.job,
      forge_sampling_heard_keeps_total: this.#heardTraces,
      forge_sampling_cut_traces_total: this.#admission.cutTraces,
      forge_sampling_parked_traces_total: this.#parkedTraces,
      forge_sampling_parked_bytes_total: this.#parkedOutBytes,
      forge_sampling_gaps_total: this.#gapRows,
      forge_sampling_lost_rows_total: this.#lostRows,
      forge_sampling_straight_spans_total: this.#straight,
      forge_sampling_held_spans_total: this.#ring.writtenSpans,
      forge_sampling_flushed_spans_total: this.#heldFlushed,
      'forge_sampling_dropped_spans_total{cause="age"}': this.#ring.expiredSpans,
      'forge_sampling_dropped_spans_total{cause="memory"}': this.#ring.evictedSpans,
      forge_sampling_refused_spans_total: this.#ring.refusedSpans,
      forge_sampling_shortened_memories_total: this.#ring.shortenedMemories,
      forge_sampling_ring_bytes: this.#ring.bytes + this.#pins.bytes,
      forge_sampling_pinned_traces: this.#pins.size,
      forge_sampling_evicted_pins_total: this.#pins.evicted,
      forge_sampling_open_roots: this.#roots.size,
      forge_sampling_pending_rows: this.#keeps.size + this.#gaps.size + this.#parked.length,
      forge_sampling_admitted_share: this.#admission.probability,
      forge_sampling_folded_spans_total: this.traffic.folded,
    };
  }

  // --- triggers ---

  #slowMsOf(root: Span): number {
    if (!this.#settings.keepSlow) return Infinity;
    if (this.#named.size > 0) {
      const slowMs = this.#named.get(root.name)?.slowMs ?? this.#named.get('')?.slowMs;
      if (slowMs !== undefined) return slowMs;
    }
    return this.#settings.slowThresholdMs;
  }

  #endRoot(root: Span, state: LocalState): void {
    this.#roots.remove(state);
    const { trace } = root;
    const named = this.#named.size > 0 ? this.#named.get(root.resource) : undefined;
    if (trace.decision === Decision.kept) return;
    const slowMs = this.#settings.keepSlow ? (named?.slowMs ?? state.slowMs) : Infinity;
    if (slowMs !== Infinity && !trace.slowExempt && root.elapsedMs >= slowMs) this.#trigger(state, 'slow');
    // A resource's own rate: known only now, so it can but add.
    const threshold = named?.threshold;
    if (threshold !== undefined && trace.decision === Decision.undecided && passes(threshold, trace.w2, trace.w3)) {
      trace.decision = Decision.kept;
      trace.keepReason = 'forced';
      this.#keep(trace, 'forced', threshold.weight);
    }
  }

  /** A root that was open for its threshold: slow, unless its resource has another threshold by now, or it streams. */
  #due(state: LocalState): void {
    const { trace } = state;
    const { root } = trace;
    if (root === undefined || root.ended || trace.slowExempt || trace.decision === Decision.kept) return;
    const slowMs = this.#named.size > 0 ? (this.#named.get(root.resource)?.slowMs ?? state.slowMs) : state.slowMs;
    if (slowMs > root.elapsedMs) {
      state.slowMs = slowMs;
      this.#roots.add(state);
    } else this.#trigger(state, 'slow');
  }

  /** Keeps the trace for a reason of its own, unless a storm is on and its randomness says no. */
  #trigger(state: LocalState, reason: 'error' | 'slow' | 'job'): void {
    const { trace } = state;
    if (state.cut || trace.decision === Decision.kept || trace.decision === Decision.dropped) return;
    const weight = this.#admission.admit(trace.w2, trace.w3);
    if (weight === 0) {
      state.cut = true;
      return;
    }
    trace.decision = Decision.kept;
    trace.keepReason = reason;
    this.#keep(trace, reason, weight);
  }

  #keep(trace: LocalTrace, reason: KeepReason, weight: number): void {
    this.#kept[reason]++;
    const { w0, w1, w2, w3 } = trace;
    // Only the first keep says anything of the ring: what it flushed is dropped there later, and not lost.
    const first = this.#pins.set(w0, w1, w2, w3, PinState.kept, this.#nowMs) !== PinState.kept;
    if (first) this.#flush([trace]);
    if (!this.#shared) return;
    const traceId = trace.id;
    if (first && this.#ring.hasLost(trace)) this.#gap(traceId, 'late');
    // Others may have forgotten their part for longer than they can tell.
    const { root } = trace;
    if (root !== undefined && root.elapsedMs > this.#ring.forgetHorizonMs) this.#gap(traceId, 'late_trigger');
    if (reason === 'peer') {
      if (this.#unconfirmed.size < MAX_PENDING) this.#unconfirmed.set(traceId, this.#nowMs);
    } else this.#append(traceId, reason, weight);
  }

  /** Pushes what is held of traces that have just been pinned as kept. */
  #flush(traces: readonly TraceWords[]): void {
    this.#ring.take(traces, (span) => {
      this.#heldFlushed++;
      this.#sink.push(span);
    });
  }

  /** Looks whether others keep the trace by now: the local part of it learns so. */
  #learn(trace: LocalTrace, state: LocalState): void {
    state.pinsVersion = this.#pins.version;
    if (this.#pins.state(trace.w0, trace.w1, trace.w2, trace.w3) !== PinState.kept) return;
    trace.decision = Decision.kept;
    trace.keepReason = 'peer';
  }

  #park({ w0, w1, w2, w3, id }: LocalTrace): void {
    if (this.#pins.set(w0, w1, w2, w3, PinState.parked, this.#nowMs) !== PinState.none) return;
    this.#parkedTraces++;
    this.#append(id, 'park', 1);
  }

  /** Spans of a parked trace leave the ring. */
  #parkOut(traceId: string, held: HeldSpan[]): void {
    const spans = encodeHeld(held);
    if (this.#parkedBytes + spans.length > MAX_PENDING_PARK_BYTES) {
      this.#gap(traceId, 'lost');
      return;
    }
    this.#parked.push({ traceId, nodeId: this.#nodeId, spans });
    this.#parkedBytes += spans.length;
    this.#parkedOutBytes += spans.length;
  }

  // --- rows ---

  #append(traceId: string, reason: KeepRowReason, weight: number): void {
    const key = `${traceId}${reason}`;
    if (this.#keeps.size >= MAX_PENDING && !this.#keeps.has(key)) this.#lostRows++;
    else this.#keeps.set(key, { traceId, reason, nodeId: this.#nodeId, weight });
  }

  #gap(traceId: string, reason: GapRow['reason'], count = true): void {
    if (!this.#shared) return;
    if (count) this.#gapRows++;
    const key = `${traceId}${reason}`;
    if (this.#gaps.size >= MAX_PENDING && !this.#gaps.has(key)) this.#lostRows++;
    else this.#gaps.set(key, { traceId, nodeId: this.#nodeId, reason });
  }
}

interface NamedOverride {
  readonly slowMs: number | undefined;
  readonly threshold: Threshold | undefined;
}

function wordOf(traceId: string, at: number): number {
  return Number.parseInt(traceId.slice(at, at + 8), 16) | 0;
}

function takeFrom<T>(map: Map<string, T>, limit: number): T[] {
  const rows: T[] = [];
  for (const [key, row] of map) {
    if (rows.length === limit) break;
    rows.push(row);
    map.delete(key);
  }
  return rows;
}
