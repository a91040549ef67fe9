/**
 * Tags that stand for what a format has no field for: written by an encoder, read and removed by a decoder.
 * The whole table is in docs/formats.md. `forge.` is ours; `otel.` and `w3c.` are OpenTelemetry's own names for them.
 */
export const MAPPED = {
  resource: 'forge.resource',
  weight: 'forge.weight',
  flags: 'forge.flags',
  links: 'forge.links',
  durationUs: 'forge.duration_us',
  startUnixUs: 'forge.start_us',
  eventName: 'forge.event.name',
  nodeId: 'forge.node_id',

  traceState: 'w3c.tracestate',
  scopeName: 'otel.scope.name',
  scopeVersion: 'otel.scope.version',
  scopeAttributePrefix: 'otel.scope.attributes.',
  resourceAttributePrefix: 'otel.resource.',
  statusCode: 'otel.status_code',
  statusDescription: 'otel.status_description',
  droppedAttributes: 'otel.dropped_attributes_count',
  droppedEvents: 'otel.dropped_events_count',
  droppedLinks: 'otel.dropped_links_count',

  otlpFlags: 'otlp.flags',
  otlpResourceSchemaUrl: 'otlp.resource.schema_url',
  otlpResourceDropped: 'otlp.resource.dropped_attributes_count',
  otlpScopeSchemaUrl: 'otlp.scope.schema_url',
  otlpScopeDropped: 'otlp.scope.dropped_attributes_count',
} as const;

/** What a foreign span without a service is called, as OpenTelemetry's SDKs do. */
export const UNKNOWN_SERVICE = 'unknown_service';

/** An attribute value of bytes, which JSON cannot say: an object with this one key and base64. */
export const BYTES_KEY = '@bytes';

/** The base64 of a value of bytes; undefined for every other value. */
export function bytesValueOf(value: object): string | undefined {
  const base64 = (value as Record<string, unknown>)[BYTES_KEY];
  return typeof base64 === 'string' && Object.keys(value).length === 1 ? base64 : undefined;
}
