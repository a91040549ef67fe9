import type { SpanData } from '@forge/core';
import { tagText } from '@forge/storage';
import type { Database } from '../database.ts';
import { cleanText, stringJson, type Alterations } from '../encode/json.ts';
import { varchar } from '../encode/span-row.ts';
import { clampUnixUs, isoMicros } from '../encode/time.ts';
import { shapeOf, type Shape } from '../summary/facts.ts';

const HOUR_US = 3_600_000_000;
/** Longer keys and values are not noted. */
const MAX_LENGTH = 200;
/** Values of one key that one process notes in one hour; then it gives up on them: they are ids, not choices. */
const MAX_VALUES = 100;
const MAX_OPERATIONS = 10_000;
const MAX_KEYS = 1000;
/** Hours that are remembered as noted. Those of spans of long ago are noted anew with each batch. */
const MAX_HOURS = 6;

const UNCOUNTED: Alterations = { cleaned: 0, cut: 0, clamped: 0 };

interface KeyNote {
  readonly values: Set<string>;
  complete: boolean;
}

/** What one process has noted of one hour. */
interface HourNotes {
  readonly shapes: Set<Shape>;
  /** Service to key to values. */
  readonly tags: Map<string, Map<string, KeyNote>>;
  keys: number;
}

/** Rows to be inserted, as members of JSON arrays. */
interface Rows {
  readonly operations: string[];
  readonly keys: string[];
  readonly values: string[];
}

/** Notes which services, operations and tags there are, by the hour: each once a process, so it costs next to nothing. */
export class NameNotes {
  readonly #database: Database;
  #hours = new Map<number, HourNotes>();

  constructor(database: Database) {
    this.#database = database;
  }

  /** Makes sure that the names of these spans are in the tables. */
  async ensure(batch: readonly SpanData[]): Promise<void> {
    const rows: Rows = { operations: [], keys: [], values: [] };
    let hour = -1;
    let notes: HourNotes | undefined;
    for (const span of batch) {
      const spanHour = Math.floor(clampUnixUs(span.startUnixUs) / HOUR_US);
      if (notes === undefined || spanHour !== hour) {
        hour = spanHour;
        notes = this.#notesOf(hour);
      }
      note(notes, hour, span, rows);
    }
    if (rows.operations.length + rows.keys.length + rows.values.length === 0) return;
    try {
      await this.#insert(rows);
    } catch (error) {
      // What was remembered as noted may not be.
      this.#hours = new Map();
      throw error;
    }
  }

  async #insert({ operations, keys, values }: Rows): Promise<void> {
    const insert = (statement: string, members: string[]): Promise<unknown> =>
      members.length === 0
        ? Promise.resolve()
        : this.#database.writer((sql) =>
            sql.query(this.#database.text(statement), [`[${members.join(',')}]`], { prepare: true }),
          );
    await insert(INSERT_OPERATIONS, operations);
    await insert(INSERT_VALUES, values);
    await insert(INSERT_KEYS, keys);
  }

  #notesOf(hour: number): HourNotes {
    let notes = this.#hours.get(hour);
    if (notes === undefined) {
      if (this.#hours.size >= MAX_HOURS) this.#hours.delete(Math.min(...this.#hours.keys()));
      notes = { shapes: new Set(), tags: new Map(), keys: 0 };
      this.#hours.set(hour, notes);
    }
    return notes;
  }
}

function note(notes: HourNotes, hour: number, span: SpanData, rows: Rows): void {
  const shape = shapeOf(span);
  if (!notes.shapes.has(shape) && notes.shapes.size < MAX_OPERATIONS) {
    notes.shapes.add(shape);
    const names = [shape.service, varchar(span.name, 255, UNCOUNTED), varchar(span.resource, 255, UNCOUNTED)];
    rows.operations.push(`[${hourJson(hour)},${names.map((name) => stringJson(name, UNCOUNTED)).join(',')}]`);
  }
  const { attributes } = span;
  if (attributes.length === 0) return;
  let keys = notes.tags.get(shape.service);
  if (keys === undefined) notes.tags.set(shape.service, (keys = new Map()));
  for (let i = 0; i < attributes.length; i += 2) {
    const key = attributes[i] as string;
    let known = keys.get(key);
    if (known === undefined) {
      if (key.length > MAX_LENGTH || notes.keys >= MAX_KEYS) continue;
      notes.keys++;
      keys.set(key, (known = { values: new Set(), complete: true }));
      rows.keys.push(keyJson(hour, shape.service, key, true));
    }
    if (!known.complete) continue;
    const value = attributes[i + 1];
    if (Array.isArray(value)) for (const item of value) noteValue(known, hour, shape.service, key, item, rows);
    else noteValue(known, hour, shape.service, key, value, rows);
  }
}

function noteValue(known: KeyNote, hour: number, service: string, key: string, value: unknown, rows: Rows): void {
  if (!known.complete || value === null || value === undefined) return;
  const text = typeof value === 'string' ? cleanText(value, UNCOUNTED) : tagText(value);
  if (known.values.has(text)) return;
  if (text.length > MAX_LENGTH || known.values.size >= MAX_VALUES) {
    known.complete = false;
    rows.keys.push(keyJson(hour, service, key, false));
    return;
  }
  known.values.add(text);
  rows.values.push(`[${hourJson(hour)},${[service, key, text].map((part) => stringJson(part, UNCOUNTED)).join(',')}]`);
}

function keyJson(hour: number, service: string, key: string, complete: boolean): string {
  return `[${hourJson(hour)},${stringJson(service, UNCOUNTED)},${stringJson(key, UNCOUNTED)},${complete}]`;
}

function hourJson(hour: number): string {
  return `"${isoMicros(hour * HOUR_US)}"`;
}

// Sorted, as every writer does it: rows that two insert at once are locked in one order.
const INSERT_OPERATIONS = `
INSERT INTO :"schema".forge_operations_1h (hour, service_name, operation_name, resource)
SELECT DISTINCT (row->>0)::timestamptz, row->>1, row->>2, row->>3 FROM jsonb_array_elements($1::text::jsonb) AS row
ORDER BY 1, 2, 3, 4
ON CONFLICT DO NOTHING`;

const INSERT_KEYS = `
INSERT INTO :"schema".forge_tag_keys_1h AS known (hour, service_name, key, complete)
SELECT (row->>0)::timestamptz, row->>1, row->>2, bool_and((row->>3)::boolean) FROM jsonb_array_elements($1::text::jsonb) AS row
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
ON CONFLICT (hour, service_name, key) DO UPDATE SET complete = false WHERE known.complete AND NOT excluded.complete`;

const INSERT_VALUES = `
INSERT INTO :"schema".forge_tag_values_1h (hour, service_name, key, value)
SELECT DISTINCT (row->>0)::timestamptz, row->>1, row->>2, row->>3 FROM jsonb_array_elements($1::text::jsonb) AS row
ORDER BY 1, 2, 3, 4
ON CONFLICT DO NOTHING`;
