import type { Origin, SpanEvent } from '@forge/core';
import { formatError } from '../errors.ts';
import { DecodeBudget, type DecodeLimits } from '../model/decode-limits.ts';
import { Decoding, type Decoded } from '../model/decoded-span.ts';
import { normalSpanId, normalTraceId } from '../model/ids.ts';
import { arrayIn, countIn, integerIn, objectIn, textIn, type JsonObject } from '../model/json-access.ts';
import { parseJson } from '../model/json-scan.ts';
import { BYTES_KEY } from '../model/mapped-keys.ts';
import { eventOfFields, JaegerSpans, originOfProcess, RepeatedTags } from './span-from-jaeger.ts';
import type { JaegerReference } from './span-to-jaeger.ts';

// References may carry copies of the spans they refer to, those of theirs, and so on up to the root.
const MOST_DEPTH = 4096;

/**
 * Spans of the JSON of Jaeger's UI: an answer of its query API, a downloaded trace, or a list of traces.
 * Ids without their leading zeros get them back; copies of spans within references are left aside.
 * Throws FORGE_FORMAT_INVALID where it is no such document, FORGE_FORMAT_TOO_LARGE beyond the limits.
 */
export function decodeJaegerJson(document: Uint8Array | string, limits?: DecodeLimits): Decoded {
  return decodeJaegerValue(parseJson(document, { maxValues: limits?.maxValues, maxDepth: MOST_DEPTH }), limits);
}

/** The same of a document that is parsed already. */
export function decodeJaegerValue(document: unknown, limits?: DecodeLimits): Decoded {
  const data = Array.isArray(document) ? document : (objectIn(document)?.['data'] ?? document);
  const traces = (Array.isArray(data) ? (data as unknown[]) : [data]).map(objectIn);
  const decoder = new Decoder(limits);
  for (const trace of traces) {
    if (trace === undefined || !Array.isArray(trace['spans']))
      throw formatError('FORGE_FORMAT_INVALID', 'not the JSON of Jaeger: a trace without a list of spans');
    decoder.trace(trace);
  }
  return decoder.out;
}

class Decoder {
  readonly out = new Decoding();
  readonly #budget: DecodeBudget;
  readonly #spans = new JaegerSpans();
  readonly #unknown = originOfProcess('', []);

  constructor(limits: DecodeLimits | undefined) {
    this.#budget = new DecodeBudget(limits);
  }

  trace(trace: JsonObject): void {
    const processes = new Map<string, Origin>();
    for (const [id, process] of Object.entries(objectIn(trace['processes']) ?? {}))
      processes.set(id, this.#process(objectIn(process) ?? {}));
    for (const item of arrayIn(trace['spans'])) {
      this.#budget.span();
      const span = objectIn(item);
      if (span === undefined) this.out.reject('a span is not an object');
      else this.#span(span, trace, this.#origin(span, processes));
    }
  }

  #origin(span: JsonObject, processes: ReadonlyMap<string, Origin>): Origin {
    const known = processes.get(textIn(span['processID']) ?? '');
    if (known !== undefined) return known;
    const own = objectIn(span['process']);
    return own === undefined ? this.#unknown : this.#process(own);
  }

  #process(process: JsonObject): Origin {
    return originOfProcess(textIn(process['serviceName']) ?? '', this.#tags(process['tags']));
  }

  #span(json: JsonObject, trace: JsonObject, origin: Origin): void {
    const traceId = normalTraceId(json['traceID'] ?? trace['traceID']);
    const spanId = normalSpanId(json['spanID']);
    const name = textIn(json['operationName']) ?? '';
    if (traceId === undefined || spanId === undefined) {
      const what = traceId === undefined ? 'traceID' : 'spanID';
      this.out.reject(`span "${name.slice(0, 100)}" of service ${origin.serviceName.slice(0, 100)}: invalid ${what}`);
      return;
    }
    const jaeger = {
      traceId,
      spanId,
      parentSpanId: normalSpanId(json['parentSpanID']),
      name,
      references: arrayIn(json['references']).flatMap((item) => this.#reference(objectIn(item) ?? {})),
      flags: countIn(json['flags']) | 0,
      startUnixUs: microsIn(json['startTime']),
      durationUs: microsIn(json['duration']),
      tags: this.#tags(json['tags']),
      events: arrayIn(json['logs']).map((item) => this.#log(objectIn(item) ?? {})),
      warnings: arrayIn(json['warnings']),
    };
    this.out.spans.push(this.#spans.make(jaeger, origin));
  }

  #reference(json: JsonObject): JaegerReference[] {
    this.#budget.value();
    const traceId = normalTraceId(json['traceID']);
    const spanId = normalSpanId(json['spanID']);
    if (traceId === undefined || spanId === undefined) return [];
    return [{ type: json['refType'] === 'FOLLOWS_FROM' ? 'FOLLOWS_FROM' : 'CHILD_OF', traceId, spanId }];
  }

  #log(json: JsonObject): SpanEvent {
    this.#budget.value();
    return eventOfFields(microsIn(json['timestamp']), this.#tags(json['fields']));
  }

  #tags(value: unknown): unknown[] {
    const tags = new RepeatedTags();
    for (const item of arrayIn(value)) {
      this.#budget.value();
      const tag = objectIn(item);
      const key = textIn(tag?.['key']);
      if (tag !== undefined && key !== undefined) tags.add(key, valueOf(textIn(tag['type']), tag['value']));
    }
    return tags.list;
  }
}

/** Whole microseconds; fractions, which some exporters write, are cut off. */
function microsIn(value: unknown): number {
  const us = typeof value === 'number' ? Math.trunc(value) : integerIn(value);
  return us !== undefined && Number.isSafeInteger(us) ? us : 0;
}

function valueOf(type: string | undefined, value: unknown): unknown {
  const lower = type?.toLowerCase();
  if (lower === 'binary' && typeof value === 'string') return { [BYTES_KEY]: value };
  if (typeof value !== 'string') return value ?? null;
  if (lower === 'float64') return Number(value);
  if (lower === 'int64') return integerIn(value) ?? value;
  return lower === 'bool' ? value === 'true' : value;
}
