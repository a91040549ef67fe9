const TWO_TO_56 = 2 ** 56;

/**
 * What a span's tracestate says of how many spans it stands for: 1 / probability by OpenTelemetry's `ot=th:`; 1 without it.
 * https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/
 */
export function weightOfTraceState(traceState: string | undefined): number {
  if (traceState === undefined) return 1;
  const match = /(?:^|,)\s*ot=(?:[^,]*;)?th:([0-9a-f]{1,14})(?=$|[;,\s])/.exec(traceState);
  if (match === null) return 1;
  const rejected = Number.parseInt(match[1].padEnd(14, '0'), 16);
  return TWO_TO_56 / (TWO_TO_56 - rejected);
}

/** Whether `weight` is what the tracestate implies, up to the precision of 32-bit floats, in which it is stored. */
export function isImplied(weight: number, traceState: string | undefined): boolean {
  if (traceState === undefined) return weight === 1;
  const implied = weightOfTraceState(traceState);
  return Math.abs(weight - implied) <= implied * 1e-6;
}
