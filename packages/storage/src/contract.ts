import type { SpanData } from '@forge/core';

/** Where spans are kept and found again. One folder or package a backend, one conformance suite for all. */
export interface TraceStore extends TraceWriter, TraceReader {
  /** Waits for what is under way and frees connections. Safe to call twice. */
  close(): Promise<void>;
}

export interface TraceWriter {
  /**
   * Stores a batch, whole or not at all; a span that is already stored (trace and span id) stays as it was.
   * Values that a column cannot hold are clamped or cut and counted, never refused.
   * Rejects with a ForgeError: `retryable` when the database is away.
   * @returns how many spans were new
   */
  write(batch: readonly SpanData[], signal?: AbortSignal): Promise<WriteResult>;
}

export interface WriteResult {
  readonly stored: number;
  /** Spans that were there before. */
  readonly duplicates: number;
}

export interface TraceReader {
  /** A trace with all its spans by start time, then span id; undefined where none is stored. */
  trace(traceId: string): Promise<StoredTrace | undefined>;
  /** Summaries of the traces that match, exact and in the asked order over all stored traces. */
  search(query: TraceQuery): Promise<TracePage>;
  /** Names of services with a span that started in the range, sorted. */
  services(range: TimeRange): Promise<string[]>;
  /** Span names and resources in the range, of one service or all, sorted. */
  operations(range: TimeRange, service?: string): Promise<OperationName[]>;
}

/** Unix microseconds; start inclusive, end exclusive. */
export interface TimeRange {
  readonly startUnixUs: number;
  readonly endUnixUs: number;
}

export interface OperationName {
  readonly name: string;
  readonly resource: string;
}

export interface StoredTrace {
  readonly traceId: string;
  readonly spans: readonly SpanData[];
  /** Why it was kept; `head` for the head decision alone. */
  readonly kept: string;
  /** What is known to be missing; empty for a whole trace. */
  readonly gaps: readonly TraceGap[];
}

/** A part of a kept trace that could not be stored, and why. */
export interface TraceGap {
  readonly nodeId: string;
  readonly reason: string;
  readonly atUnixUs: number;
}

/**
 * What to look for. A trace matches when ONE of its spans meets all of operation, service, durations, status, tags,
 * text and the time range together.
 */
export interface TraceQuery {
  /** A span name or a resource, exactly. */
  readonly operation?: string;
  readonly service?: string;
  readonly minDurationUs?: number;
  readonly maxDurationUs?: number;
  readonly status?: 'ok' | 'error';
  /** Each must be there with this value; numbers and booleans are compared by their JSON text. */
  readonly tags?: readonly (readonly [key: string, value: string])[];
  /** Case-insensitive part of the name, resource, status message or a tag's value. */
  readonly text?: string;
  readonly kept?: string;
  /** When the matching span started, Unix microseconds: start inclusive, end exclusive. */
  readonly startUnixUs?: number;
  readonly endUnixUs?: number;
  readonly sort: TraceSort;
  /** 1 to 1,000. */
  readonly limit: number;
  /** `next` of the page before, for the same query. */
  readonly cursor?: string;
}

/** `newest`: by the trace's start. `longest`: by the whole trace. `longest_span`: by the longest matching span. */
export type TraceSort = 'newest' | 'longest' | 'longest_span' | 'most_errors' | 'most_spans';

export interface TracePage {
  readonly traces: readonly TraceSummary[];
  /** The cursor of the next page; undefined on the last one. */
  readonly next: string | undefined;
}

export interface TraceSummary {
  readonly traceId: string;
  /** The earliest span without a stored parent; undefined never, for a stored trace. */
  readonly root: {
    readonly name: string;
    readonly resource: string;
    readonly service: string;
    readonly status: 'ok' | 'error';
  };
  readonly startUnixUs: number;
  /** From the first start to the last end. */
  readonly durationUs: number;
  readonly spans: number;
  readonly errors: number;
  readonly services: readonly { readonly name: string; readonly spans: number; readonly errors: number }[];
  readonly kept: string;
  /** The longest span that matched the query. */
  readonly longestMatchUs: number;
}
