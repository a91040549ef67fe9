import { MISSING_PARENT, NO_PARENT, writeId, type SpanTable } from '../../src/model/span-table.ts';

/** A span of a hand-made case. Names are at most 16 hex digits where they are to be ids, else they are numbered. */
export interface SpanSketch {
  readonly name: string;
  readonly parent?: string;
  readonly start: number;
  readonly duration: number;
  readonly service?: string;
  readonly resource?: string;
  readonly process?: string;
  readonly kind?: number;
  readonly status?: number;
  readonly flags?: number;
  readonly logs?: readonly (readonly [us: number, label: string])[];
}

/** A table of sketches; a parent that no sketch is named after is missing. Rows stay in the order given. */
export function tableOf(sketches: readonly SpanSketch[]): SpanTable {
  const strings: string[] = [];
  const known = new Map<string, number>();
  const text = (value: string): number => {
    let at = known.get(value);
    if (at === undefined) {
      known.set(value, (at = strings.length));
      strings.push(value);
    }
    return at;
  };
  const rowOf = new Map(sketches.map(({ name }, row) => [name, row]));
  const ids = new Uint32Array(sketches.length * 2);
  for (const row of sketches.keys()) writeId(ids, row, (row + 1).toString(16));
  const missing: [number, string][] = [];
  const parent = sketches.map((sketch, row) => {
    if (sketch.parent === undefined) return NO_PARENT;
    const at = rowOf.get(sketch.parent);
    if (at !== undefined) return at;
    missing.push([row, sketch.parent]);
    return MISSING_PARENT;
  });
  const logs = sketches.flatMap(({ logs = [] }, row) => logs.map(([us, label]) => ({ row, us, label })));
  return {
    traceId: '0123456789abcdef0123456789abcdef',
    startUnixUs: 1_700_000_000_000_000,
    kept: 'head',
    gaps: [],
    count: sketches.length,
    ids,
    parent: Int32Array.from(parent),
    missing,
    start: Float64Array.from(sketches, ({ start }) => start),
    duration: Float64Array.from(sketches, ({ duration }) => duration),
    name: Int32Array.from(sketches, ({ name }) => text(name)),
    resource: Int32Array.from(sketches, ({ name, resource }) => text(resource ?? name)),
    service: Int32Array.from(sketches, ({ service }) => text(service ?? 'app')),
    process: Int32Array.from(sketches, ({ process }) => (process === undefined ? -1 : text(process))),
    kind: Uint8Array.from(sketches, ({ kind }) => kind ?? 0),
    status: Uint8Array.from(sketches, ({ status }) => status ?? 0),
    flags: Uint16Array.from(sketches, ({ flags }) => flags ?? 0),
    logRow: Int32Array.from(logs, ({ row }) => row),
    logTime: Float64Array.from(logs, ({ us }) => us),
    logLabel: Int32Array.from(logs, ({ label }) => text(label)),
    strings,
  };
}
