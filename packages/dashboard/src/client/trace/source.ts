import type { SpanJson, TraceLogsJson, TraceMatchesJson } from '@forge/query';
import type { OpenedTrace, SaveFormat } from '../../worker/calls.ts';
import { apiHeaders, apiUrl, getJson } from '../app/api.ts';
import { callTraceWorker } from '../app/trace-worker.ts';

/** Where a trace comes from: the API, or a file that was opened here. */
export interface TraceSource {
  /** The worker's name for it. */
  readonly key: string;
  /** Whether it may still grow, and has an address of its own. */
  readonly isStored: boolean;
  /** @throws ApiError */
  open(): Promise<OpenedTrace>;
  span(row: number, spanId: string, signal: AbortSignal): Promise<SpanJson>;
  logs(signal: AbortSignal): Promise<TraceLogsJson['logs']>;
  /** Rows whose tags, log lines or status message hold the text. */
  find(text: string, signal: AbortSignal): Promise<readonly number[]>;
  /** The whole trace as a file of another tool's format. */
  encode(format: SaveFormat): Promise<string>;
}

/** A trace that the API has. */
export function storedTrace(traceId: string): TraceSource {
  const key = `api:${traceId}`;
  const path = `/traces/${encodeURIComponent(traceId)}`;
  return {
    key,
    isStored: true,
    open: () => callTraceWorker('openUrl', { key, url: apiUrl(`${path}/columns`), headers: apiHeaders() }),
    span: (_row, spanId, signal) => getJson<SpanJson>(apiUrl(`${path}/spans/${spanId}`), signal),
    logs: async (signal) => (await getJson<TraceLogsJson>(apiUrl(`${path}/logs`), signal)).logs,
    find: async (text, signal) => (await getJson<TraceMatchesJson>(apiUrl(`${path}/find`, { text }), signal)).rows,
    encode: async (format) => JSON.stringify(await getJson<unknown>(apiUrl(`${path}/export`, { format }))),
  };
}

/** A trace of the file that the worker holds. */
export function fileTrace(index: number): TraceSource {
  const key = `file:${index}`;
  return {
    key,
    isStored: false,
    open: () => callTraceWorker('openFromFile', { key, index }),
    span: (row) => callTraceWorker('span', { key, row }),
    logs: () => callTraceWorker('logs', { key }),
    find: (text) => callTraceWorker('find', { key, text }),
    encode: (format) => callTraceWorker('encode', { key, format }),
  };
}
