import { randomInt } from 'node:crypto';
import { Status, type Kind, type Span } from '@forge/core';
import { LatencyHistogram } from './latency-histogram.ts';
import type { SpanShape } from './span-shape.ts';

/** All spans of one minute with the same service, name, resource, kind and status, sampled or not: exact counts. */
export interface TrafficRow {
  /** When the minute began, by the spans' start. */
  readonly minuteUnixMs: number;
  readonly serviceName: string;
  readonly name: string;
  readonly resource: string;
  readonly kind: Kind;
  readonly status: 'ok' | 'error';
  /** Tells counts of a minute from those after it had been closed and opened again: they add up. */
  readonly part: number;
  readonly count: number;
  readonly sumUs: number;
  readonly maxUs: number;
  /** `LatencyHistogram.encode`; histograms of several rows are merged by adding. */
  readonly histogram: Uint8Array;
}

/** Keeps rows. */
export interface TrafficLog {
  /** A row replaces the one before of the same minute, operation, status and part, which it contains. */
  write(rows: readonly TrafficRow[]): Promise<void>;
}

const MINUTE_US = 60_000_000;
const MAX_OPERATIONS = 2000;
const MAX_OPEN_MINUTES = 4000;
/** A minute is closed when nothing was counted in it for so many rounds of `take`. */
const QUIET_ROUNDS = 6;
/** Where resources go that are too many to be counted apart. */
const OTHER = '(other)';

interface Minute {
  readonly minute: number;
  readonly part: number;
  /** Spans counted when the rows were last written. */
  writtenCount: number;
  quietRounds: number;
  readonly ok: LatencyHistogram;
  readonly error: LatencyHistogram;
}

/** One (service, name, resource, kind): found once a span, for its counts and for the shapes of its encoding. */
export class Operation {
  readonly serviceName: string;
  readonly name: string;
  readonly resource: string;
  readonly kind: Kind;
  /** The next one of the same name and resource. */
  next: Operation | undefined = undefined;
  shape: SpanShape | undefined = undefined;
  current: Minute | undefined = undefined;

  constructor(serviceName: string, name: string, resource: string, kind: Kind) {
    this.serviceName = serviceName;
    this.name = name;
    this.resource = resource;
    this.kind = kind;
  }
}

interface NameEntry {
  last: Operation;
  readonly byResource: Map<string, Operation>;
}

/** Counts all traffic in this process, and hands it over every few seconds. Bounded: 2,000 operations, the rest as `(other)`. */
export class Traffic {
  readonly #names = new Map<string, NameEntry>();
  readonly #open = new Map<Operation, Minute[]>();
  #operations = 0;
  #minutes = 0;
  // A process that begins again under the same node id must not replace its own earlier counts.
  #nextPart = randomInt(2 ** 30);
  /** Spans counted under `(other)` for want of room. */
  folded = 0;

  /** The operation of a span. */
  operationOf(span: Span): Operation {
    const entry = this.#names.get(span.name);
    if (entry === undefined) return this.#add(span);
    const resource = span.resource;
    let operation: Operation | undefined = entry.last;
    if (operation.resource !== resource) {
      operation = entry.byResource.get(resource);
      if (operation !== undefined) entry.last = operation;
    }
    const service = span.origin.serviceName;
    while (operation !== undefined && (operation.kind !== span.kind || operation.serviceName !== service))
      operation = operation.next;
    return operation ?? this.#add(span);
  }

  /** Counts an ended span. */
  count(operation: Operation, span: Span): void {
    const minute = Math.floor(span.startUnixUs / MINUTE_US);
    let current = operation.current;
    if (current === undefined || current.minute !== minute) current = this.#minute(operation, minute);
    (span.status === Status.error ? current.error : current.ok).add(span.durationUs);
  }

  /** Rows of all minutes that changed since they were last written, with all that was counted in them. */
  take(): { readonly rows: TrafficRow[]; readonly written: () => void } {
    const rows: TrafficRow[] = [];
    const changed: [Minute, number][] = [];
    for (const [operation, minutes] of this.#open) {
      for (const one of minutes) {
        const { minute, ok, error, part } = one;
        const count = ok.count + error.count;
        if (count === one.writtenCount) {
          one.quietRounds++;
          continue;
        }
        one.quietRounds = 0;
        changed.push([one, count]);
        if (ok.count > 0) rows.push(rowOf(operation, minute, part, 'ok', ok));
        if (error.count > 0) rows.push(rowOf(operation, minute, part, 'error', error));
      }
      const open = minutes.filter(({ quietRounds }) => quietRounds < QUIET_ROUNDS);
      if (open.length === minutes.length) continue;
      this.#minutes -= minutes.length - open.length;
      operation.current = undefined;
      if (open.length === 0) this.#open.delete(operation);
      else this.#open.set(operation, open);
    }
    return {
      rows,
      written: () => {
        for (const [one, count] of changed) one.writtenCount = count;
      },
    };
  }

  #minute(operation: Operation, minute: number): Minute {
    let minutes = this.#open.get(operation);
    if (minutes === undefined) this.#open.set(operation, (minutes = []));
    let found = minutes.find((one) => one.minute === minute);
    if (found === undefined) {
      // Start times are the application's to give: what makes up too many minutes is counted in the last one.
      if (this.#minutes >= MAX_OPEN_MINUTES && minutes.length > 0) return minutes.at(-1)!;
      found = {
        minute,
        part: this.#nextPart++,
        writtenCount: 0,
        quietRounds: 0,
        ok: new LatencyHistogram(),
        error: new LatencyHistogram(),
      };
      minutes.push(found);
      this.#minutes++;
    }
    operation.current = found;
    return found;
  }

  #add(span: Span): Operation {
    const { name, resource, kind } = span;
    return this.#findOrAdd({ name, resource, kind, serviceName: span.origin.serviceName });
  }

  #findOrAdd({ name, resource, kind, serviceName }: TrafficKey): Operation {
    let entry = this.#names.get(name);
    let last = entry?.byResource.get(resource);
    if (last === undefined && this.#operations >= MAX_OPERATIONS && resource !== OTHER) {
      this.folded++;
      // Names are few by nature; where they are not, they are folded too.
      return this.#findOrAdd({ name: entry === undefined ? OTHER : name, resource: OTHER, kind, serviceName });
    }
    for (let one = last; one !== undefined; one = one.next) {
      if (one.kind === kind && one.serviceName === serviceName) return one;
      last = one;
    }
    const operation = new Operation(serviceName, name, resource, kind);
    this.#operations++;
    if (last !== undefined) last.next = operation;
    else if (entry !== undefined) entry.byResource.set(resource, operation);
    else {
      entry = { last: operation, byResource: new Map([[resource, operation]]) };
      this.#names.set(name, entry);
    }
    return operation;
  }
}

type TrafficKey = Pick<TrafficRow, 'name' | 'resource' | 'kind' | 'serviceName'>;

function rowOf(
  operation: Operation,
  minute: number,
  part: number,
  status: 'ok' | 'error',
  histogram: LatencyHistogram,
): TrafficRow {
  const { serviceName, name, resource, kind } = operation;
  return {
    minuteUnixMs: minute * 60_000,
    serviceName,
    name,
    resource,
    kind,
    status,
    part,
    count: histogram.count,
    sumUs: histogram.sumUs,
    maxUs: histogram.maxUs,
    histogram: histogram.encode(),
  };
}
