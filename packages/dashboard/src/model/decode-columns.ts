import { writeId, type SpanTable } from './span-table.ts';

/** The part of the API's columnar answer that the viewer reads. */
export interface Columns {
  readonly trace_id: string;
  readonly start_us: number;
  readonly kept: string;
  readonly gaps: readonly { readonly node_id: string; readonly reason: string; readonly time: string }[];
  readonly count: number;
  readonly span_ids: string;
  readonly parent: readonly number[];
  readonly missing_parent: readonly (readonly [row: number, parentSpanId: string])[];
  readonly start: readonly number[];
  readonly duration: readonly number[];
  readonly strings: readonly string[];
  readonly name: readonly number[];
  readonly resource: readonly number[];
  readonly service: readonly number[];
  readonly node: readonly number[];
  readonly kind: readonly number[];
  readonly status: readonly number[];
  readonly flags: readonly number[];
  readonly logs: {
    readonly row: readonly number[];
    readonly time: readonly number[];
    readonly label: readonly number[];
  };
}

/** The API's columns as typed arrays. */
export function tableFromColumns(columns: Columns): SpanTable {
  const { count } = columns;
  const ids = new Uint32Array(count * 2);
  for (let row = 0; row < count; row++) writeId(ids, row, columns.span_ids, row * 16, 16);
  return {
    traceId: columns.trace_id,
    startUnixUs: columns.start_us,
    kept: columns.kept,
    gaps: columns.gaps.map((gap) => ({ nodeId: gap.node_id, reason: gap.reason, time: gap.time })),
    count,
    ids,
    parent: Int32Array.from(columns.parent),
    missing: columns.missing_parent,
    start: Float64Array.from(columns.start),
    duration: Float64Array.from(columns.duration),
    strings: columns.strings,
    name: Int32Array.from(columns.name),
    resource: Int32Array.from(columns.resource),
    service: Int32Array.from(columns.service),
    process: Int32Array.from(columns.node),
    kind: Uint8Array.from(columns.kind),
    status: Uint8Array.from(columns.status),
    flags: Uint16Array.from(columns.flags),
    logRow: Int32Array.from(columns.logs.row),
    logTime: Float64Array.from(columns.logs.time),
    logLabel: Int32Array.from(columns.logs.label),
  };
}
