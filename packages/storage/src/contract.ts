import type { SpanData } from '@forge/core';

/** Where spans are kept and found again. One folder or package a backend, one conformance suite for all. */
export interface TraceStore extends TraceWriter, TraceReader {
  /** Waits for what is under way and frees connections. Safe to call twice. */
  close(): Promise<void>;
}

export interface TraceWriter {
  /**
   * Stores a batch, whole or not at all; a span that is already stored (trace id, span id and start) stays as it was.
   * Values that a column cannot hold are clamped or cut and counted, never refused. Spans that started before all that
   * the store's retention keeps are counted as expired, not stored.
   * Rejects with a ForgeError: `retryable` when the database is away.
   * @returns how many spans were new
   */
  write(batch: readonly SpanData[], signal?: AbortSignal): Promise<WriteResult>;
}

export interface WriteResult {
  readonly stored: number;
  /** Spans that were there before. */
  readonly duplicates: number;
  /** Spans older than the retention. */
  readonly expired: number;
}

export interface TraceReader {
  /** A trace with all its spans by start time, then span id; undefined where none is stored. */
  trace(traceId: string): Promise<StoredTrace | undefined>;
  /** Summaries of the traces that match, exact and in the asked order over all stored traces. */
  search(query: TraceQuery): Promise<TracePage>;
  /** Names of services with a span that started in the range, widened to whole hours (UTC); sorted by code units. */
  services(range: TimeRange): Promise<string[]>;
  /** Span names with their resources in the range, widened to whole hours, of one service or all; sorted by name, then resource. */
  operations(range: TimeRange, service?: string): Promise<OperationName[]>;
  /** Keys of tags in the range, widened to whole hours, of one service or all; sorted. */
  tagKeys(range: TimeRange, service?: string): Promise<string[]>;
  /** Values of one tag in the range, widened to whole hours. For choosing from; `search` finds the others too. */
  tagValues(query: TagValuesQuery): Promise<TagValues>;
  /** Requests, errors and durations over time, of all traffic that was counted: sampled or not. */
  rates(query: RateQuery): Promise<RateResult>;
  /** How many spans took how long, over time. */
  heatmap(query: HeatmapQuery): Promise<Heatmap>;
  /**
   * Who called whom: for each pair of services, the stored spans whose stored parent is of another service, weighted.
   * A call counts in the minute (UTC) in which the called span started; the range is widened to whole minutes.
   */
  edges(range: TimeRange): Promise<ServiceEdge[]>;
  /** Removes a trace's spans for good, and whatever makes it appear in `trace` and `search`. @returns whether there were any */
  deleteTrace(traceId: string): Promise<boolean>;
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
  /** Why it was kept, the first reason that any node gave: `error`, `slow`, `job`, `forced`, `peer`; `head` for the head decision alone. */
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
  /** As in `TraceSummary.kept`. */
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
  /** The earliest span without a stored parent; at the same microsecond one without a parent id first, then the smaller span id. */
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
  /** Sorted by name, by code units. */
  readonly services: readonly { readonly name: string; readonly spans: number; readonly errors: number }[];
  /** As in `StoredTrace.kept`. */
  readonly kept: string;
  /** The longest span that matched the query. */
  readonly longestMatchUs: number;
}

export interface TagValuesQuery extends TimeRange {
  readonly key: string;
  readonly service?: string;
  /** Only values that begin with it, by code units. */
  readonly prefix?: string;
  /** 1 to 1,000. */
  readonly limit: number;
}

export interface TagValues {
  /** As text: a string itself, of other values their JSON; an array's elements one by one. Sorted by code units. */
  readonly values: readonly string[];
  /** Whether these are all: not where `limit` cut them, where a value is longer than 200 characters, or where there are so many that the store stopped noting them. */
  readonly complete: boolean;
}

/** Which spans to count: those that meet all of these. */
export interface RateFilter extends TimeRange {
  readonly service?: string;
  /** A span name or a resource, exactly. */
  readonly operation?: string;
  /** OpenTelemetry's kinds: [1, 4] for what comes in (server and consumer spans). */
  readonly kinds?: readonly number[];
}

export interface RateQuery extends RateFilter {
  /** One series for each combination of these; one in all where it is empty. */
  readonly by: readonly RateDimension[];
  /**
   * The least time between points, microseconds. The store takes the next of 1, 2, 3, 5, 10, 15, 30 minutes, 1, 2, 3, 6,
   * 12 hours, or whole days; never less than it has kept for so long ago. Without it, what makes at most 100 points.
   */
  readonly stepUs?: number;
  /** Shares from 0 to 1; [0.5, 0.95, 0.99] by default. */
  readonly quantiles?: readonly number[];
  /** Most series, those with most requests first; 1 to 1,000. */
  readonly limit: number;
}

export type RateDimension = 'service' | 'operation' | 'resource';

export interface RateResult {
  readonly stepUs: number;
  /** Starts of the points, ascending, the first at or before the range's start; there also where nothing happened. Traffic is counted by whole minutes. */
  readonly startsUnixUs: readonly number[];
  readonly series: readonly RateSeries[];
  /** How many more series there are than `limit`. */
  readonly omitted: number;
}

export interface RateSeries {
  /** Only of the dimensions that were asked for. */
  readonly service?: string;
  readonly operation?: string;
  readonly resource?: string;
  readonly total: RatePoint;
  /** One for each of `startsUnixUs`. */
  readonly points: readonly RatePoint[];
}

export interface RatePoint {
  readonly requests: number;
  readonly errors: number;
  readonly sumUs: number;
  readonly maxUs: number;
  /** The duration that each of the asked shares did not exceed, to 6.25 %; 0 where there were no requests. */
  readonly quantilesUs: readonly number[];
}

export interface HeatmapQuery extends RateFilter {
  readonly status?: 'ok' | 'error';
  /** As in `RateQuery`. */
  readonly stepUs?: number;
}

export interface Heatmap {
  readonly stepUs: number;
  readonly startsUnixUs: readonly number[];
  /** The lowest duration of each row, ascending: of 0, 1, 2, 3, 4, 6, 8, 12, 16 and so on those between the lowest and the highest with counts. */
  readonly rowsUs: readonly number[];
  /** By column (time), then row. */
  readonly counts: readonly (readonly number[])[];
}

export interface ServiceEdge {
  readonly parent: string;
  readonly child: string;
  /** Calls, weighted by what each sampled span stands for; whole. */
  readonly requests: number;
  readonly errors: number;
  readonly sumUs: number;
  readonly maxUs: number;
}
