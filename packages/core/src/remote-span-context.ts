import { createTraceState, type SpanContext, type TraceState } from '@opentelemetry/api';
import type { KeepReason } from './local-trace.ts';

/**
 * A caller's span as it arrived, its `tracestate` taken apart once: what the sampler needs of it lies in fields.
 * Made by a propagator, found by the sampler as the parent of a local root.
 */
export class RemoteSpanContext implements SpanContext {
  readonly isRemote = true;
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags: number;
  /** Whether a node of the mesh sent it: only then are the sampled flag and `keep` commands. */
  readonly trusted: boolean;
  /** The last Forge span before this process. Another id than `spanId` where a foreign tracer stands between. */
  readonly forgeSpanId: string | undefined;
  /** Why the caller keeps the trace, if it does: a hint only, unless `trusted`. */
  readonly keep: KeepReason | undefined;
  /** The value of tracestate's `ot` member: `th:e666;rv:0123456789abcd`. */
  readonly otState: string | undefined;
  /** tracestate without `forge` and `ot`, in its order. */
  readonly otherState: string | undefined;
  #traceState: TraceState | undefined;

  constructor(
    traceId: string,
    spanId: string,
    traceFlags: number,
    trusted: boolean,
    forgeSpanId: string | undefined,
    keep: KeepReason | undefined,
    otState: string | undefined,
    otherState: string | undefined,
  ) {
    this.traceId = traceId;
    this.spanId = spanId;
    this.traceFlags = traceFlags;
    this.trusted = trusted;
    this.forgeSpanId = forgeSpanId;
    this.keep = keep;
    this.otState = otState;
    this.otherState = otherState;
    this.#traceState = undefined;
  }

  /** Everybody's tracestate except Forge's own member; made on first use. */
  get traceState(): TraceState | undefined {
    if (this.otState === undefined && this.otherState === undefined) return undefined;
    return (this.#traceState ??= createTraceState(
      this.otState === undefined
        ? this.otherState
        : this.otherState === undefined
          ? `ot=${this.otState}`
          : `ot=${this.otState},${this.otherState}`,
    ));
  }
}
