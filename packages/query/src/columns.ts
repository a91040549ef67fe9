import type { GapJson } from './trace-json.ts';

/**
 * One trace as `GET /_api/traces/{id}/columns` answers it: what a viewer needs to draw all spans at once, and nothing
 * else. Each array holds one number a span, in one order: by start, then span id, as `spans` of the whole trace.
 * A row is a position in that order. Texts stand once in `strings` and are named by their position there.
 * 100,000 spans are about 5 MB of JSON (0.6 MB compressed) and parse in well under 100 ms.
 *
 * Tags, log messages and links of a span: `GET /_api/traces/{id}/spans/{spanId}`, the span as in the whole trace.
 *
 * ```text
 * strings   ["http.request", "POST /api/orders", "gateway", ...]
 * row            0    1    2
 * parent        -1    0    0
 * start_us       0  512 9000      from the trace's start_us
 * name           0    3    3      -> strings
 * ```
 */
export interface ColumnsJson {
  trace_id: string;
  /** Unix microseconds of the first span's start; the columns' times count from here. */
  start_us: number;
  /** From the first start to the last end. */
  duration_us: number;
  /** Why it was kept; `head` for the head decision alone. */
  kept: string;
  /** Known losses; empty for a whole trace. */
  gaps: GapJson[];
  /** Number of rows. */
  count: number;
  /** All span ids on end, 16 hex digits a row. An id that occurs twice (Zipkin's shared spans) has two rows. */
  span_ids: string;
  /** The parent's row; -1 for a span without a parent; -2 where the parent is not stored (`missing_parent`). */
  parent: number[];
  /** Row and named parent of each span whose parent is not stored: `[row, "00f067aa0ba902b7"]`, by row. */
  missing_parent: [row: number, parentSpanId: string][];
  /** Whole microseconds from the trace's start. */
  start: number[];
  /** Whole microseconds. */
  duration: number[];
  strings: string[];
  /** Positions in `strings`: operation, resource, service. */
  name: number[];
  resource: number[];
  service: number[];
  /** Position of the node's id in `strings`; -1 where none is known. Spans of one node share one clock. */
  node: number[];
  /** OpenTelemetry's span kinds by number: 0 internal, 1 server, 2 client, 3 producer, 4 consumer. */
  kind: number[];
  /** 0 unset, 1 ok, 2 error. */
  status: number[];
  /** Bits of `ColumnFlag`. */
  flags: number[];
  /** Every event of every span, by row, then time: what it takes to mark them on the bars. */
  logs: {
    row: number[];
    /** Whole microseconds from the trace's start. Negative where an event is older than every span. */
    time: number[];
    /** Position in `strings`: the level of a log line in lower case (`error`, `warn`, `info`), `exception`, or else the event's name. */
    label: number[];
  };
}

/** What a span has besides its bar. */
export const ColumnFlag = {
  tags: 1,
  logs: 2,
  links: 4,
  statusMessage: 8,
  /** Attributes, events or links were dropped where the span was made. */
  dropped: 16,
  /** Started and not yet ended: the duration is what is known so far. */
  open: 32,
} as const;

/** Every log line of a trace, as `GET /_api/traces/{id}/logs` answers it: by time, then row. */
export interface TraceLogsJson {
  trace_id: string;
  logs: {
    row: number;
    span_id: string;
    time_us: number;
    name: string;
    /** In lower case; null where the event has none. */
    level: string | null;
    message: string;
    attributes: Record<string, unknown>;
  }[];
}

/** The rows in which a tag, a log line or the status message holds a text, as `GET /_api/traces/{id}/find?text=` answers it. */
export interface TraceMatchesJson {
  trace_id: string;
  /** Number of rows counted in: other than the columns' where spans have arrived since. */
  count: number;
  /** Rising. */
  rows: number[];
}
