import { wordToHex } from './hex.ts';
import type { Span } from './span.ts';
import type { TracePipeline } from './ports.ts';

/**
 * What is to become of a trace, as far as this process knows.
 * undecided -> sampled | kept | dropped; sampled -> kept. Nothing leads back.
 */
export const Decision = {
  /** Recorded, held back until something decides. */
  undecided: 0,
  /** The head decision of consistent probability sampling took it. */
  sampled: 1,
  /** Kept whole for a reason: an error, a slow root, a peer's word. */
  kept: 2,
  /** Nobody will ever want it: its spans record nothing. */
  dropped: 3,
} as const;
export type Decision = (typeof Decision)[keyof typeof Decision];

/** Why a trace is kept whole. `peer`: another node said so. `forced`: the application or a trusted caller asked. */
export type KeepReason = 'error' | 'slow' | 'peer' | 'forced' | 'job';

/**
 * The part of one trace that one local root and its descendants make in this process: a local root is a span
 * without a parent or with a remote one. Its spans share ids, the wall anchor and the sampling decision.
 */
export class LocalTrace {
  readonly pipeline: TracePipeline;
  /** The trace id as four words; of a foreign 64-bit id the first two are 0. */
  readonly w0: number;
  readonly w1: number;
  readonly w2: number;
  readonly w3: number;
  /** Monotonic to Unix milliseconds, fixed for this local root. */
  readonly anchorMs: number;
  /** Whether the last 7 bytes of the id are random: W3C level 2's random flag. */
  readonly random: boolean;
  decision: Decision = Decision.undecided;
  keepReason: KeepReason | undefined = undefined;
  /** Spans that this trace's head-sampled ones stand for, each: 1 / probability. Kept traces count 1. */
  weight = 1;
  /** Spans started and not yet ended. */
  openSpans = 0;
  /** Other vendors' tracestate as received, without `forge` and `ot`. Set by the sampler or the propagator. */
  otherState: string | undefined = undefined;
  /** The value of tracestate's `ot` member to pass on: `th:e666`. Set by the sampler. */
  otState: string | undefined = undefined;
  /** The local root. Set when it starts. */
  root: Span | undefined = undefined;
  /** The last Forge span before this process, where a foreign tracer stands between it and the local root's parent. */
  forgeParentId: string | undefined = undefined;
  /** Set for what is long by nature, a stream or a WebSocket: it is never kept for being slow. */
  slowExempt = false;
  /** A place for the pipeline's own state of this trace. */
  slot: unknown = undefined;
  #id: string | undefined = undefined;

  constructor(
    pipeline: TracePipeline,
    w0: number,
    w1: number,
    w2: number,
    w3: number,
    random: boolean,
    anchorMs: number,
  ) {
    this.pipeline = pipeline;
    this.w0 = w0;
    this.w1 = w1;
    this.w2 = w2;
    this.w3 = w3;
    this.random = random;
    this.anchorMs = anchorMs;
  }

  /** 32 lowercase hex digits, made on first use. */
  get id(): string {
    return (this.#id ??= wordToHex(this.w0) + wordToHex(this.w1) + wordToHex(this.w2) + wordToHex(this.w3));
  }

  /** W3C trace flags to pass on: bit 0 sampled, bit 1 random. */
  get flags(): number {
    return (this.decision === Decision.sampled || this.decision === Decision.kept ? 1 : 0) | (this.random ? 2 : 0);
  }

  /** tracestate without Forge's own member, which the propagator puts first: `ot=th:e666,other=1`. */
  get traceState(): string | undefined {
    if (this.otState === undefined) return this.otherState;
    return this.otherState === undefined ? `ot=${this.otState}` : `ot=${this.otState},${this.otherState}`;
  }

  /** Keeps the trace whole. The first reason stands; repeating it changes nothing. */
  keep(reason: KeepReason): void {
    if (this.decision === Decision.kept || this.decision === Decision.dropped) return;
    this.decision = Decision.kept;
    this.keepReason = reason;
    this.pipeline.onKeep(this, reason);
  }
}
