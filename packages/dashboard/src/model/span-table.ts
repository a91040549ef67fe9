/** What is known to be missing of a trace, and why. */
export interface TraceGap {
  readonly nodeId: string;
  readonly reason: string;
  readonly time: string;
}

/**
 * The spans of one trace as they came, one number a span in each column, before they are put in the order of the tree.
 * Times are microseconds from `startUnixUs`; they may have a fraction where a file gives nanoseconds.
 */
export interface SpanTable {
  readonly traceId: string;
  readonly startUnixUs: number;
  /** Why the trace was kept; empty where nobody says (an opened file). */
  readonly kept: string;
  readonly gaps: readonly TraceGap[];
  /** Number of rows. */
  readonly count: number;
  /** Span ids, two words a row. */
  readonly ids: Uint32Array;
  /** Row of the parent, `NO_PARENT` or `MISSING_PARENT`. */
  readonly parent: Int32Array;
  /** Rows whose parent is not stored, and the id that each names. */
  readonly missing: readonly (readonly [row: number, parentSpanId: string])[];
  readonly start: Float64Array;
  readonly duration: Float64Array;
  readonly strings: readonly string[];
  /** Positions in `strings`. */
  readonly name: Int32Array;
  readonly resource: Int32Array;
  readonly service: Int32Array;
  /** Position of the process's id in `strings`, or -1. */
  readonly process: Int32Array;
  readonly kind: Uint8Array;
  readonly status: Uint8Array;
  /** Bits of `Flag`. */
  readonly flags: Uint16Array;
  /** Events by row, then time. */
  readonly logRow: Int32Array;
  readonly logTime: Float64Array;
  readonly logLabel: Int32Array;
}

export const NO_PARENT = -1;
export const MISSING_PARENT = -2;

/** What a span has besides its bar. The low bits are those of the API's `ColumnFlag`. */
export const Flag = {
  tags: 1,
  logs: 2,
  links: 4,
  statusMessage: 8,
  dropped: 16,
  open: 32,
  /** Not a span: stands in for a parent that is not stored. */
  missing: 256,
  /** Its parent chain led back to itself; shown as a root. */
  cycle: 512,
} as const;

export const KIND_NAMES = ['internal', 'server', 'client', 'producer', 'consumer'] as const;
export const Kind = { internal: 0, server: 1, client: 2, producer: 3, consumer: 4 } as const;
export const STATUS_ERROR = 2;

/** 16 hex digits of the id at `row`. */
export function idText(ids: Uint32Array, row: number): string {
  return ids[row * 2].toString(16).padStart(8, '0') + ids[row * 2 + 1].toString(16).padStart(8, '0');
}

/** Writes up to 16 hex digits (shorter ids are padded on the left) as two words. Other characters count as 0. */
export function writeId(ids: Uint32Array, row: number, text: string, offset = 0, length = text.length - offset): void {
  let high = 0;
  let low = 0;
  const end = offset + length;
  for (let i = Math.max(offset, end - 16); i < end; i++) {
    const digit = hexDigit(text.charCodeAt(i));
    if (end - i > 8) high = (high << 4) | digit;
    else low = (low << 4) | digit;
  }
  ids[row * 2] = high >>> 0;
  ids[row * 2 + 1] = low >>> 0;
}

function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const lower = code | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : 0;
}
