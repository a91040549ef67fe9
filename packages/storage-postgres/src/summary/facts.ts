import { Status, type SpanData } from '@forge/core';
import { tagText, type TraceQuery } from '@forge/storage';
import { cleanText, type Alterations } from '../encode/json.ts';
import { varchar } from '../encode/span-row.ts';

/**
 * Facts: 32-bit hashes of what a span is and has, kept as a set with each trace's summary. An index over them finds the
 * traces that may match any combination of service, operation, error and tags; equal hashes of unequal things only
 * cost a look.
 *
 *     negative   service | operation | service + operation, each also with "error"
 *     positive   tag key = value
 *     0          this trace had more tags than are noted: it may have any
 */
export const TOO_MANY_TAGS = 0;
/** Most facts of tags that one batch, and one trace, notes. */
export const MAX_TAG_FACTS = 2000;
/** Values longer than this are not noted, and not asked for by facts. */
const MAX_VALUE_LENGTH = 200;
const MAX_KNOWN_SHAPES = 10_000;

// The encoder counts what it changes.
const UNCOUNTED: Alterations = { cleaned: 0, cut: 0, clamped: 0 };
/** What is looked up once a span: how spans of one service, name, resource and status are stored and found. */
export interface Shape {
  /** The names as their columns hold them. */
  readonly service: string;
  readonly facts: readonly number[];
}

type Level<T> = Map<string, T>;
let ok: Level<Level<Level<Shape>>> = new Map();
let failing: Level<Level<Level<Shape>>> = new Map();
let known = 0;

/** The shape of a span. Remembered, by three short look-ups rather than one of a long key: there are few. */
export function shapeOf(span: SpanData): Shape {
  const failed = span.status === Status.error;
  const byService = failed ? failing : ok;
  const { serviceName } = span.origin;
  let byName = byService.get(serviceName);
  if (byName === undefined) byService.set(serviceName, (byName = new Map()));
  let byResource = byName.get(span.name);
  if (byResource === undefined) byName.set(span.name, (byResource = new Map()));
  let shape = byResource.get(span.resource);
  if (shape === undefined) {
    shape = makeShape(span, failed);
    byResource.set(span.resource, shape);
    if (++known >= MAX_KNOWN_SHAPES) {
      known = 0;
      ok = new Map();
      failing = new Map();
    }
  }
  return shape;
}

function makeShape(span: SpanData, failed: boolean): Shape {
  const service = varchar(span.origin.serviceName, 100, UNCOUNTED);
  const facts = new Set<number>();
  for (const operation of [undefined, varchar(span.name, 255, UNCOUNTED), varchar(span.resource, 255, UNCOUNTED)]) {
    for (const of of [undefined, service]) {
      if (operation !== undefined || of !== undefined) facts.add(shapeFact(of, operation, false));
      if (failed) facts.add(shapeFact(of, operation, true));
    }
  }
  return { service, facts: [...facts] };
}

/** The one fact that covers most of a query's service, operation and error; undefined where it asks for none of them. */
export function queryShapeFact(query: TraceQuery): number | undefined {
  const failed = query.status === 'error';
  if (query.service === undefined && query.operation === undefined && !failed) return undefined;
  return shapeFact(query.service, query.operation, failed);
}

/** The facts of a query's tags. */
export function queryTagFacts(query: TraceQuery): number[] {
  return (query.tags ?? [])
    .filter(([, value]) => value.length <= MAX_VALUE_LENGTH)
    .map(([key, value]) => tagFact(key, value));
}

/** Adds the facts of a span's tags to `facts`. */
export function addTagFacts(facts: Set<number>, attributes: readonly unknown[]): void {
  for (let i = 0; i < attributes.length; i += 2) {
    const key = cleanText(attributes[i] as string, UNCOUNTED);
    const value = attributes[i + 1];
    if (Array.isArray(value)) for (const item of value) addTagFact(facts, key, item);
    else addTagFact(facts, key, value);
  }
}

function addTagFact(facts: Set<number>, key: string, value: unknown): void {
  if (typeof value === 'object' || value === undefined) return;
  const text = typeof value === 'string' ? cleanText(value, UNCOUNTED) : tagText(value);
  if (text.length <= MAX_VALUE_LENGTH) facts.add(tagFact(key, text));
}

function shapeFact(service: string | undefined, operation: string | undefined, failed: boolean): number {
  let hash = hashText(failed ? 0x9e3779b9 : 0x85ebca6b, service ?? '\0');
  hash = hashText(hash, '\0');
  return mix(hashText(hash, operation ?? '\0')) | 0x80000000;
}

function tagFact(key: string, value: string): number {
  const hash = mix(hashText(hashText(hashText(0xc2b2ae35, key), '\0'), value)) & 0x7fffffff;
  return hash === TOO_MANY_TAGS ? 1 : hash;
}

/** FNV-1a over UTF-16 units. */
function hashText(seed: number, text: string): number {
  let hash = seed;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}

/** MurmurHash3's finalizer: FNV's high bits alone are poor. */
function mix(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) | 0;
}
