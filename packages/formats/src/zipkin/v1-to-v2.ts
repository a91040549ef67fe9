import { arrayIn, integerIn, objectIn, textIn, type JsonObject } from '../model/json-access.ts';

interface Part {
  readonly kind: 'CLIENT' | 'SERVER' | 'PRODUCER' | 'CONSUMER' | undefined;
  localEndpoint: JsonObject | undefined;
  remoteEndpoint: JsonObject | undefined;
  startUs: number | undefined;
  endUs: number | undefined;
  shared: boolean;
  readonly annotations: JsonObject[];
  readonly tags: Record<string, unknown>;
}

// The annotations that begin and end each kind of span, and the address tag of its other side.
const KINDS = [
  { kind: 'CLIENT', start: 'cs', end: 'cr', remote: 'sa' },
  { kind: 'SERVER', start: 'sr', end: 'ss', remote: 'ca' },
  { kind: 'PRODUCER', start: 'ms', end: 'ws', remote: 'ma' },
  { kind: 'CONSUMER', start: 'mr', end: 'wr', remote: 'ma' },
] as const;

/** Whether `span` is of Zipkin's first JSON: endpoints in annotations, tags as binary annotations. */
export function isZipkinV1(span: JsonObject): boolean {
  if (Array.isArray(span['binaryAnnotations'])) return true;
  return arrayIn(span['annotations']).some((annotation) => objectIn(annotation)?.['endpoint'] !== undefined);
}

/**
 * A span of Zipkin's first format as one or, where client and server wrote into the same span, two of its second.
 * By the rules of Zipkin's own converter: https://github.com/openzipkin/zipkin (V1SpanConverter)
 */
export function zipkinV1ToV2(span: JsonObject): JsonObject[] {
  const annotations = arrayIn(span['annotations']).map((item) => objectIn(item) ?? {});
  const binary = arrayIn(span['binaryAnnotations']).map((item) => objectIn(item) ?? {});
  const parts = partsOf(annotations);
  const partAt = (endpoint: unknown): Part =>
    parts.find((part) => part.localEndpoint !== undefined && sameEndpoint(part.localEndpoint, objectIn(endpoint))) ??
    parts[0];
  if (parts.length === 0) {
    const first = [...annotations, ...binary].find((item) => objectIn(item['endpoint']) !== undefined);
    parts.push(makePart(undefined, objectIn(first?.['endpoint'])));
  }
  for (const annotation of annotations)
    if (!isBoundary(annotation, parts)) partAt(annotation['endpoint']).annotations.push(annotation);
  for (const item of binary) {
    const key = textIn(item['key']) ?? '';
    const remote = item['value'] === true || item['value'] === 'true' ? remoteOwner(key, parts) : undefined;
    if (remote !== undefined) remote.remoteEndpoint = objectIn(item['endpoint']);
    // `lc` without a value says only where the span was.
    else if (key !== 'lc' || (item['value'] !== '' && item['value'] !== undefined))
      partAt(item['endpoint']).tags[key] = item['value'];
  }
  applyTimes(span, parts);
  return parts.map((part) => v2Of(span, part));
}

function makePart(kind: Part['kind'], localEndpoint: JsonObject | undefined): Part {
  const tags = Object.create(null) as Record<string, unknown>;
  return {
    kind,
    localEndpoint,
    remoteEndpoint: undefined,
    startUs: undefined,
    endUs: undefined,
    shared: false,
    annotations: [],
    tags,
  };
}

function partsOf(annotations: readonly JsonObject[]): Part[] {
  const parts: Part[] = [];
  for (const { kind, start, end } of KINDS) {
    const first = annotations.find(({ value }) => value === start);
    const last = annotations.find(({ value }) => value === end);
    // `ws` and `wr` mean the wire: only with `ms` or `mr` do they bound a span of messaging.
    if (first === undefined && (last === undefined || kind === 'PRODUCER' || kind === 'CONSUMER')) continue;
    const part = makePart(kind, objectIn((first ?? last)?.['endpoint']));
    part.startUs = integerIn(first?.['timestamp']);
    part.endUs = integerIn(last?.['timestamp']);
    parts.push(part);
  }
  return parts;
}

function isBoundary({ value }: JsonObject, parts: readonly Part[]): boolean {
  return KINDS.some(
    ({ kind, start, end }) => (value === start || value === end) && parts.some((part) => part.kind === kind),
  );
}

function remoteOwner(key: string, parts: readonly Part[]): Part | undefined {
  if (key !== 'sa' && key !== 'ca' && key !== 'ma') return undefined;
  const kinds = KINDS.filter(({ remote }) => remote === key).map(({ kind }) => kind as string);
  return parts.find(({ kind }) => kind !== undefined && kinds.includes(kind)) ?? parts[0];
}

/** The span's own times are the first part's; a server that shares its client's span reports none. */
function applyTimes(span: JsonObject, parts: readonly Part[]): void {
  const timestamp = integerIn(span['timestamp']);
  const duration = integerIn(span['duration']);
  const [first, ...others] = parts;
  if (timestamp === undefined) first.shared = first.kind === 'SERVER';
  else {
    first.startUs = timestamp;
    if (duration !== undefined) first.endUs = timestamp + duration;
  }
  if (first.kind === 'CLIENT') for (const other of others) other.shared = other.kind === 'SERVER';
}

function v2Of(span: JsonObject, part: Part): JsonObject {
  const { startUs, endUs } = part;
  return {
    traceId: span['traceId'],
    id: span['id'],
    parentId: span['parentId'],
    name: span['name'],
    debug: span['debug'],
    kind: part.kind,
    timestamp: startUs,
    duration:
      startUs !== undefined && endUs !== undefined && endUs >= startUs ? Math.max(1, endUs - startUs) : undefined,
    localEndpoint: part.localEndpoint,
    remoteEndpoint: part.remoteEndpoint,
    annotations: part.annotations,
    tags: part.tags,
    shared: part.shared,
  };
}

function sameEndpoint(a: JsonObject, b: JsonObject | undefined): boolean {
  return b !== undefined && ['serviceName', 'ipv4', 'ipv6', 'port'].every((key) => a[key] === b[key]);
}
