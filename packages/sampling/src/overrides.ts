/** Another sampling rate or slow threshold for a part of the traffic. The first that matches wins. */
export interface SamplingOverride {
  /**
   * The local root's span name (`job.execute`) or resource (`POST /api/orders`), exactly; any where it is left out.
   * A resource is known only once the request was routed: its `sampleRate` can add traces to those of the general
   * rate, not take any away.
   */
  readonly operation?: string;
  /** Applies only in this service; in all where it is left out. */
  readonly service?: string;
  /** 0 to 1. */
  readonly sampleRate?: number;
  /** Above 0; `false`: never slow. */
  readonly slowThresholdMs?: number | false;
}

/** The overrides that hold for this service. */
export function overridesOf(all: readonly SamplingOverride[], service: string | undefined): SamplingOverride[] {
  return all.filter((override) => override.service === undefined || override.service === service);
}
