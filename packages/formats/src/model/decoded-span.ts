import {
  attributeOf,
  type AttributeList,
  type Kind,
  type Origin,
  type Scope,
  type SpanData,
  type SpanEvent,
  type SpanLink,
  type Status,
} from '@forge/core';
import { MAPPED } from './mapped-keys.ts';
import { weightOfTraceState } from './sampling-weight.ts';

/** What decoders make: `spans`, and how many were left out because they are no spans. */
export interface Decoded {
  readonly spans: SpanData[];
  /** Spans that were left out, and why the first of them was: `span 3 of service shop: the trace id is all zeros`. */
  readonly rejected: number;
  readonly reason: string | undefined;
}

/** Collects spans and refusals. */
export class Decoding implements Decoded {
  readonly spans: SpanData[] = [];
  rejected = 0;
  reason: string | undefined = undefined;

  reject(reason: string): void {
    this.rejected++;
    this.reason ??= reason;
  }
}

export const NO_ATTRIBUTES: AttributeList = Object.freeze([]);
export const NO_EVENTS: readonly SpanEvent[] = Object.freeze([]);
export const NO_LINKS: readonly SpanLink[] = Object.freeze([]);

/** A span of somebody else's making: plain fields, always in this order. */
export class DecodedSpan implements SpanData {
  traceId = '';
  spanId = '';
  parentSpanId: string | undefined = undefined;
  name = '';
  resource = '';
  kind: Kind = 0;
  startUnixUs = 0;
  durationUs = 0;
  status: Status = 0;
  statusMessage: string | undefined = undefined;
  attributes: AttributeList = NO_ATTRIBUTES;
  events: readonly SpanEvent[] = NO_EVENTS;
  links: readonly SpanLink[] = NO_LINKS;
  origin: Origin;
  scope: Scope;
  traceState: string | undefined = undefined;
  flags = 0;
  weight = 1;
  droppedAttributes = 0;
  droppedEvents = 0;
  droppedLinks = 0;

  constructor(origin: Origin, scope: Scope) {
    this.origin = origin;
    this.scope = scope;
  }

  /** Reads back what an encoder of ours put into tags, and fills what follows from the rest. Call it last. */
  finish(attributes: unknown[]): this {
    const resource = takeText(attributes, MAPPED.resource);
    const weight = Number(take(attributes, MAPPED.weight) ?? Number.NaN);
    this.resource = resource ?? this.name;
    this.weight = weight > 0 && Number.isFinite(weight) ? weight : weightOfTraceState(this.traceState);
    this.attributes = attributes.length === 0 ? NO_ATTRIBUTES : attributes;
    return this;
  }
}

/** Removes `key` from `list` and returns its value; undefined where it is not there. */
export function take(list: unknown[], key: string): unknown {
  for (let i = 0; i < list.length; i += 2) if (list[i] === key) return list.splice(i, 2)[1];
  return undefined;
}

/** Removes `key` if its value is a string. */
export function takeText(list: unknown[], key: string): string | undefined {
  return typeof attributeOf(list, key) === 'string' ? (take(list, key) as string) : undefined;
}

/** Removes `key` if its value is a whole number, be it written as text, from 0 to 2^53 - 1. */
export function takeCount(list: unknown[], key: string): number | undefined {
  const value = attributeOf(list, key);
  const count = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : value;
  if (typeof count !== 'number' || !Number.isSafeInteger(count) || count < 0) return undefined;
  take(list, key);
  return count;
}

/** Sets `key`, in its old place where it was there before. Lists of tags are short; long ones get an index. */
export class UniqueList {
  readonly list: unknown[] = [];
  #index: Map<string, number> | undefined = undefined;

  set(key: string, value: unknown): void {
    const at = this.#find(key);
    if (at >= 0) this.list[at + 1] = value;
    else {
      this.#index?.set(key, this.list.length);
      this.list.push(key, value);
    }
  }

  #find(key: string): number {
    const { list } = this;
    if (list.length > 64) {
      if (this.#index === undefined) {
        this.#index = new Map();
        for (let i = 0; i < list.length; i += 2) this.#index.set(list[i] as string, i);
      }
      return this.#index.get(key) ?? -1;
    }
    for (let i = 0; i < list.length; i += 2) if (list[i] === key) return i;
    return -1;
  }
}
