import { attributeOf, Kind, type SpanData } from '@forge/core';

/**
 * Whom a span of Forge's own called, where a tag does not say it: Zipkin draws its dependencies by that.
 * Undefined for foreign spans and where nobody is known.
 */
export function impliedPeer(span: SpanData): string | undefined {
  if (span.kind !== Kind.client || !span.scope.name.startsWith('@forge/')) return undefined;
  if (span.name === 'http.client') return span.resource === span.name ? undefined : span.resource;
  if (span.name !== 'db.query') return undefined;
  const database = attributeOf(span.attributes, 'database');
  return typeof database === 'string' && database !== '' ? database : 'postgresql';
}
