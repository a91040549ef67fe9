import type { SpanContext } from '@opentelemetry/api';
import { Decision, RemoteSpanContext, type Kind, type LocalTrace, type TraceSampler } from '@forge/core';
import { parseOtState, writeOtState } from './ot-state.ts';
import { overridesOf, type SamplingOverride } from './overrides.ts';
import { parseThreshold, passes, thresholdOfRate, type Threshold } from './threshold.ts';

export interface HeadSamplingOptions {
  /** The share of traces kept without any reason, 0 to 1. */
  readonly sampleRate: number;
  readonly overrides?: readonly SamplingOverride[];
  /** This process's service, for overrides that name one. */
  readonly serviceName?: string;
}

/** A head sampler whose rates can be changed while it runs. */
export interface HeadSampler extends TraceSampler {
  reload(options: HeadSamplingOptions): void;
}

/**
 * OpenTelemetry's consistent probability sampling: every process takes the same traces without talking, since all
 * compare the same random bits (the last 14 digits of the trace id, or `ot=rv:`) with the same threshold.
 *
 * A caller's sampled flag, threshold or `forge=k:` count only from a trusted peer; then they decide, and this process's
 * own rates do not, so that a trace is sampled on all nodes or on none. What is not sampled stays undecided.
 */
export function createHeadSampler(options: HeadSamplingOptions): HeadSampler {
  return new ConsistentSampler(options);
}

class ConsistentSampler implements HeadSampler {
  #base: Threshold | undefined;
  #byName = new Map<string, Threshold | undefined>();

  constructor(options: HeadSamplingOptions) {
    this.#base = undefined;
    this.reload(options);
  }

  reload({ sampleRate, overrides = [], serviceName }: HeadSamplingOptions): void {
    const own = overridesOf(overrides, serviceName);
    this.#byName = new Map();
    let base: number | undefined;
    for (const { operation, sampleRate: rate } of own) {
      if (rate === undefined) continue;
      if (operation === undefined) base ??= rate;
      // One after a general override can never match.
      else if (base === undefined && !this.#byName.has(operation)) this.#byName.set(operation, thresholdOfRate(rate));
    }
    this.#base = thresholdOfRate(base ?? sampleRate);
  }

  begin(trace: LocalTrace, parent: SpanContext | undefined, name: string, _kind: Kind): void {
    const own = this.#byName.size > 0 && this.#byName.has(name) ? this.#byName.get(name) : this.#base;
    if (parent === undefined) {
      if (own !== undefined && passes(own, trace.w2, trace.w3)) sample(trace, own, undefined, undefined);
    } else this.#beginRemote(trace, parent, own);
  }

  #beginRemote(trace: LocalTrace, parent: SpanContext, own: Threshold | undefined): void {
    const remote = parent instanceof RemoteSpanContext ? parent : undefined;
    trace.otherState = remote === undefined ? othersOf(parent) : remote.otherState;
    if (remote?.forgeSpanId !== undefined && remote.forgeSpanId !== remote.spanId)
      trace.forgeParentId = remote.forgeSpanId;
    const ot = remote === undefined ? parent.traceState?.get('ot') : remote.otState;
    if (ot === undefined && remote?.trusted !== true) {
      // The usual case: a caller that says nothing, or says it as a stranger.
      if (own !== undefined && passes(own, trace.w2, trace.w3)) sample(trace, own, undefined, undefined);
      return;
    }
    const { rv, th, rest } = parseOtState(ot);
    const high = rv === undefined ? trace.w2 : Number.parseInt(rv.slice(0, 6), 16);
    const low = rv === undefined ? trace.w3 : Number.parseInt(rv.slice(6), 16);
    trace.otState = writeOtState(undefined, rv, rest);
    if (remote?.trusted !== true) {
      if (own !== undefined && passes(own, high, low)) sample(trace, own, rv, rest);
      return;
    }
    const theirs = th === undefined ? undefined : parseThreshold(th);
    const sampled = (parent.traceFlags & 1) !== 0;
    if (sampled && theirs !== undefined && passes(theirs, high, low)) sample(trace, theirs, rv, rest);
    if (remote.keep !== undefined) trace.keep('peer');
    // A trusted caller that samples without a threshold has decided by other means: the whole trace is wanted.
    else if (sampled && trace.decision === Decision.undecided) trace.keep('forced');
  }
}

function sample(trace: LocalTrace, threshold: Threshold, rv: string | undefined, rest: string | undefined): void {
  trace.decision = Decision.sampled;
  trace.weight = threshold.weight;
  trace.otState = rv === undefined && rest === undefined ? thMember(threshold) : writeOtState(threshold.text, rv, rest);
}

const members = new WeakMap<Threshold, string>();

/** `th:...`, one string a threshold. */
function thMember(threshold: Threshold): string {
  let member = members.get(threshold);
  if (member === undefined) members.set(threshold, (member = `th:${threshold.text}`));
  return member;
}

/** tracestate of a parent that another propagator made, without the members that are ours to write. */
function othersOf(parent: SpanContext): string | undefined {
  const state = parent.traceState?.unset('forge').unset('ot').serialize();
  return state === undefined || state === '' ? undefined : state;
}
