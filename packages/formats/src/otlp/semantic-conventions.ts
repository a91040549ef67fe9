import { Status, type Scope, type SpanData } from '@forge/core';

/** Whether OpenTelemetry's attributes stand beside Forge's tags, in their place, or not at all. */
export type SemconvMode = 'add' | 'only' | 'off';

/** What one kind of span says in OpenTelemetry's words. */
export interface Convention {
  /** Forge's tag to OpenTelemetry's stable attribute. */
  readonly renamed: ReadonlyMap<string, string>;
  /** Appends what is not a plain renaming to `list`. */
  readonly derive: (span: SpanData, list: unknown[]) => void;
}

const NOTHING = (): void => undefined;

// Stable attributes only, as of semantic-conventions 1.45: what is still in development keeps Forge's name alone.
const CONVENTIONS: ReadonlyMap<string, Convention> = new Map([
  [
    'http.request',
    {
      renamed: renames({
        method: 'http.request.method',
        path: 'url.path',
        route: 'http.route',
        status: 'http.response.status_code',
      }),
      derive: NOTHING,
    },
  ],
  [
    'http.client',
    {
      renamed: renames({ method: 'http.request.method', url: 'url.full', status: 'http.response.status_code' }),
      derive: serverAddress,
    },
  ],
  [
    'db.query',
    {
      renamed: renames({
        operation: 'db.operation.name',
        table: 'db.collection.name',
        query: 'db.query.text',
        database: 'db.namespace',
        'db.error_code': 'db.response.status_code',
      }),
      derive(span, list) {
        list.push('db.system.name', 'postgresql');
        if (span.resource !== span.name) list.push('db.query.summary', span.resource);
      },
    },
  ],
  ['function.execute', { renamed: renames({ name: 'code.function.name' }), derive: NOTHING }],
  [
    'grpc.call',
    {
      renamed: renames({ status: 'rpc.status_code' }),
      derive(span, list) {
        list.push('rpc.system.name', 'grpc');
        if (span.resource.includes('/')) list.push('rpc.method', span.resource);
      },
    },
  ],
]);

function renames(table: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  return new Map(Object.entries(table));
}

/** An outside call's resource is its authority: `api.example.com:8443`, `[::1]:80`. */
function serverAddress({ resource, name }: SpanData, list: unknown[]): void {
  if (resource === name) return;
  const colon = resource.lastIndexOf(':');
  const port = colon > resource.lastIndexOf(']') ? Number(resource.slice(colon + 1)) : Number.NaN;
  if (!Number.isInteger(port)) list.push('server.address', resource);
  else list.push('server.address', resource.slice(0, colon), 'server.port', port);
}

/** Whether spans of this library carry Forge's tags: made by one of its own instrumentations. */
export function hasConventions(scope: Scope): boolean {
  return scope.name.startsWith('@forge/');
}

/** The convention of spans of this name; undefined where OpenTelemetry has no stable words for them. */
export function conventionOf(name: string): Convention | undefined {
  return CONVENTIONS.get(name);
}

/** Attributes that follow from the whole span: what its convention derives, and `error.type` of a failed one. */
export function derivedAttributes(span: SpanData, convention: Convention): unknown[] {
  const list: unknown[] = [];
  convention.derive(span, list);
  if (span.status === Status.error) {
    const type = errorType(span);
    if (type !== undefined) list.push('error.type', type);
  }
  return list;
}

function errorType(span: SpanData): string | undefined {
  for (const { name, attributes } of span.events) {
    const at = name === 'exception' ? attributes.indexOf('exception.type') : -1;
    if (at >= 0 && typeof attributes[at + 1] === 'string') return attributes[at + 1] as string;
  }
  const { attributes } = span;
  for (let i = 0; i < attributes.length; i += 2)
    if (attributes[i] === 'status' || attributes[i] === 'db.error_code') return String(attributes[i + 1]);
  return undefined;
}
