import type { Origin, Scope } from '@forge/core';
import { take, takeText } from '../model/decoded-span.ts';
import { MAPPED, UNKNOWN_SERVICE } from '../model/mapped-keys.ts';

/** An OTLP resource as an origin. What an origin has no field for becomes attributes that the encoder turns back. */
export function originOf(attributes: unknown[], dropped: number, schemaUrl: string): Origin {
  // A service name that is no text stays where it is.
  const serviceName = takeText(attributes, 'service.name') ?? UNKNOWN_SERVICE;
  const nodeId = takeText(attributes, MAPPED.nodeId) ?? takeText(attributes, 'service.instance.id');
  keep(attributes, MAPPED.otlpResourceDropped, dropped > 0 ? dropped : undefined);
  keep(attributes, MAPPED.otlpResourceSchemaUrl, schemaUrl === '' ? undefined : schemaUrl);
  return { serviceName, nodeId, attributes };
}

export function scopeOf(
  name: string,
  version: string,
  attributes: unknown[],
  dropped: number,
  schemaUrl: string,
): Scope {
  keep(attributes, MAPPED.otlpScopeDropped, dropped > 0 ? dropped : undefined);
  keep(attributes, MAPPED.otlpScopeSchemaUrl, schemaUrl === '' ? undefined : schemaUrl);
  return { name, version: version === '' ? undefined : version, attributes };
}

function keep(attributes: unknown[], key: string, value: unknown): void {
  if (value === undefined) return;
  take(attributes, key);
  attributes.push(key, value);
}
