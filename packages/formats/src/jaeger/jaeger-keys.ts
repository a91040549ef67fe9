/** Tags for what only Jaeger has: written by its decoders, read by its encoders. */
export const JAEGER = {
  /** All of a span's flags, where others than `sampled` are set: 2 is debug. */
  flags: 'jaeger.flags',
  /** `FOLLOWS_FROM` where the parent was referred to so. */
  parentRefType: 'jaeger.parent.ref_type',
  warnings: 'jaeger.warnings',
  kind: 'span.kind',
} as const;

/** OpenTelemetry's attribute of a link that stands for a reference: `child_of` or `follows_from`, the default. */
export const REF_TYPE = 'opentracing.ref_type';

/** `span.kind` by OpenTelemetry's numbers; internal is what has none. */
export const KIND_NAMES = [undefined, 'server', 'client', 'producer', 'consumer'] as const;
