import type { SpanJson, TraceLogsJson } from '@forge/query';
import type { CompareRow } from '../model/compare.ts';
import type { CriticalPath } from '../model/critical-path.ts';
import type { Lanes } from '../model/lanes.ts';
import type { Grouping } from '../model/repeats.ts';
import type { SpanGroup, SpanSort } from '../model/span-list.ts';
import type { Squeeze } from '../model/time-scale.ts';
import type { Trace } from '../model/trace.ts';

/** A trace ready to be drawn, with what takes more than one pass to find. */
export interface OpenedTrace {
  readonly trace: Trace;
  readonly path: CriticalPath;
  /** Self time from which a span counts as slow here. */
  readonly slowUs: number;
  readonly longestSelfUs: number;
  /** Stretches that may be squeezed. */
  readonly quiet: readonly Squeeze[];
}

/** One trace of a file that holds several. */
export interface FileEntry {
  readonly index: number;
  readonly traceId: string;
  readonly startUnixUs: number;
  readonly durationUs: number;
  readonly spans: number;
  readonly errors: number;
  readonly service: string;
  readonly resource: string;
}

export interface FileContents {
  readonly traces: readonly FileEntry[];
  /** Members that are no spans, and why the first was left out. */
  readonly rejected: number;
  readonly reason: string | undefined;
}

export type SaveFormat = 'otlp' | 'zipkin' | 'jaeger' | 'chrome';

/** What the trace worker does. Traces are named by keys that the caller chooses. */
export interface TraceCalls {
  openUrl(args: { key: string; url: string; headers: Record<string, string> }): OpenedTrace;
  readFile(args: { bytes: ArrayBuffer }): FileContents;
  openFromFile(args: { key: string; index: number }): OpenedTrace;
  /** Again, with or without correction of clocks. */
  arrange(args: { key: string; correctSkew: boolean }): OpenedTrace;
  lanes(args: { key: string }): Lanes;
  repeats(args: { key: string }): Grouping;
  sort(args: { key: string; sort: SpanSort; only: Uint8Array | undefined }): Int32Array;
  groups(args: { key: string }): readonly SpanGroup[];
  compare(args: { left: string; right: string }): readonly CompareRow[];
  /** The next three of opened files; traces of the API are asked there. */
  span(args: { key: string; row: number }): SpanJson;
  logs(args: { key: string }): TraceLogsJson['logs'];
  find(args: { key: string; text: string }): readonly number[];
  /** The trace in another tool's format. */
  encode(args: { key: string; format: SaveFormat }): string;
}

export type CallName = keyof TraceCalls;
export type CallArgs<Name extends CallName> = Parameters<TraceCalls[Name]>[0];
export type CallResult<Name extends CallName> = ReturnType<TraceCalls[Name]>;

export interface CallMessage {
  readonly id: number;
  readonly name: CallName;
  readonly args: unknown;
}

export type AnswerMessage =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: { readonly status: number; readonly message: string } };
