import { randomUUID } from 'node:crypto';
import { Status, type SpanData } from '@forge/core';
import { stringJson, type Alterations } from '../encode/json.ts';
import { varchar } from '../encode/span-row.ts';
import { clampDurationUs, clampUnixUs } from '../encode/time.ts';
import { shapeOf, type Shape } from '../summary/facts.ts';
import { DurationBuckets } from './duration-buckets.ts';

const MINUTE_US = 60_000_000;
const MAX_ROWS = 5000;
const UNCOUNTED: Alterations = { cleaned: 0, cut: 0, clamped: 0 };

interface CountedRow {
  readonly minuteUs: number;
  readonly shape: Shape;
  readonly kind: number;
  readonly name: string;
  readonly resource: string;
  readonly status: 'ok' | 'error';
  /** What is in the table by now. */
  readonly stored: DurationBuckets;
  /** What the transaction under way adds. */
  added: DurationBuckets | undefined;
}

/** Rows for forge_traffic_1m, as JSON, and the id that they are written under. */
export interface StagedCounts {
  readonly sourceId: string;
  readonly json: string;
}

/**
 * Counts spans whose processes do not count their own traffic (foreign ones, as a rule) when they are stored. Of one
 * transaction at a time: each row holds all that this source has counted in its minute, and replaces the one before.
 *
 *     stage(new spans) -> rows to write -> commit()   they are in the table
 *                                       -> discard()  they are not
 *                                       -> abandon()  nobody knows whether they are: go on under another id
 */
export class SpanCounts {
  #sourceId: string = randomUUID();
  #rows = new Map<Shape, CountedRow[]>();
  #staged: CountedRow[] = [];
  #size = 0;

  /** Counts spans; undefined where none of them is to be counted. */
  stage(
    spans: readonly SpanData[],
    isCountedElsewhere: (nodeId: string | undefined) => boolean,
  ): StagedCounts | undefined {
    for (const span of spans) {
      if (isCountedElsewhere(span.origin.nodeId)) continue;
      const row = this.#rowOf(span);
      if (row.added === undefined) {
        row.added = new DurationBuckets();
        this.#staged.push(row);
      }
      // How many spans of all traffic this one stands for; whole, since buckets are counts.
      row.added.add(clampDurationUs(span.durationUs), Math.max(1, Math.round(span.weight)));
    }
    if (this.#staged.length === 0) return undefined;
    return { sourceId: this.#sourceId, json: `[${this.#staged.map(rowJson).join(',')}]` };
  }

  commit(): void {
    for (const row of this.#staged) {
      row.stored.merge(row.added!);
      row.added = undefined;
    }
    this.#staged = [];
    // Minutes that come again after this are written under another id, and add up.
    if (this.#size > MAX_ROWS) this.abandon();
  }

  discard(): void {
    for (const row of this.#staged) row.added = undefined;
    this.#staged = [];
  }

  abandon(): void {
    this.#sourceId = randomUUID();
    this.#rows = new Map();
    this.#staged = [];
    this.#size = 0;
  }

  #rowOf(span: SpanData): CountedRow {
    const shape = shapeOf(span);
    const minuteUs = Math.floor(clampUnixUs(span.startUnixUs) / MINUTE_US) * MINUTE_US;
    let rows = this.#rows.get(shape);
    if (rows === undefined) this.#rows.set(shape, (rows = []));
    // The newest minutes stand at the end.
    for (let i = rows.length - 1; i >= 0; i--) {
      const row = rows[i];
      if (row.minuteUs === minuteUs && row.kind === span.kind) return row;
    }
    const row: CountedRow = {
      minuteUs,
      shape,
      kind: span.kind,
      name: varchar(span.name, 255, UNCOUNTED),
      resource: varchar(span.resource, 255, UNCOUNTED),
      status: span.status === Status.error ? 'error' : 'ok',
      stored: new DurationBuckets(),
      added: undefined,
    };
    rows.push(row);
    this.#size++;
    return row;
  }
}

function rowJson({ minuteUs, shape, kind, name, resource, status, stored, added }: CountedRow): string {
  const all = new DurationBuckets();
  all.merge(stored);
  all.merge(added!);
  const names = [shape.service, name, resource].map((text) => stringJson(text, UNCOUNTED));
  return (
    `{"minute":${minuteUs / 1000},"service":${names[0]},"name":${names[1]},"resource":${names[2]},"kind":${kind},` +
    `"status":"${status}","part":0,"count":${all.count},"sum_us":${all.sumUs},"max_us":${all.maxUs},` +
    `"histogram":"${Buffer.from(all.encode()).toString('hex')}"}`
  );
}
