// Everything that takes longer than a frame: fetching, parsing, arranging, sorting. It keeps each trace, so the page's
// copy may be dropped or re-arranged without fetching again.
import type { SpanData } from '@forge/core';
import { arrange } from '../model/arrange.ts';
import { compareTraces } from '../model/compare.ts';
import { criticalPath } from '../model/critical-path.ts';
import { tableFromColumns, type Columns } from '../model/decode-columns.ts';
import { packLanes } from '../model/lanes.ts';
import { groupRepeats } from '../model/repeats.ts';
import { slowThresholdUs } from '../model/search.ts';
import { groupSpans, sortSpans } from '../model/span-list.ts';
import type { SpanTable } from '../model/span-table.ts';
import type { SpanFileTrace } from '../model/table-from-spans.ts';
import { quietStretches } from '../model/time-scale.ts';
import type { Trace } from '../model/trace.ts';
import type { AnswerMessage, CallMessage, FileEntry, OpenedTrace, SaveFormat, TraceCalls } from './calls.ts';
import { logsJsonOf, rowsWithText, spanJsonOf } from './span-json.ts';

interface Held {
  readonly table: SpanTable;
  readonly trace: Trace;
  /** Of an opened file only. */
  readonly spans: readonly SpanData[];
}

/** The traces last used; more are forgotten, the oldest first. */
const MAX_HELD = 4;
const held = new Map<string, Held>();
let file: readonly SpanFileTrace[] = [];

class Refusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

function keep(key: string, table: SpanTable, spans: readonly SpanData[], correctSkew = false): OpenedTrace {
  const trace = arrange(table, { correctSkew });
  held.delete(key);
  held.set(key, { table, trace, spans });
  for (const old of held.keys()) {
    if (held.size <= MAX_HELD) break;
    held.delete(old);
  }
  return {
    trace,
    path: criticalPath(trace),
    slowUs: slowThresholdUs(trace),
    longestSelfUs: trace.self.reduce((most, us) => Math.max(most, us), 0),
    quiet: quietStretches(trace),
  };
}

function get(key: string): Held {
  const trace = held.get(key);
  if (trace === undefined) throw new Refusal(410, 'the trace is no longer held: load it again');
  return trace;
}

const calls: { [Name in keyof TraceCalls]: (args: never) => unknown } = {
  async openUrl({ key, url, headers }: { key: string; url: string; headers: Record<string, string> }) {
    const response = await fetch(url, { headers }).catch(() => {
      throw new Refusal(0, 'The server does not answer.');
    });
    if (!response.ok) {
      const problem = (await response.json().catch(() => undefined)) as { detail?: string } | undefined;
      throw new Refusal(response.status, problem?.detail ?? `The server answered ${response.status}.`);
    }
    return keep(key, tableFromColumns((await response.json()) as Columns), []);
  },
  async readFile({ bytes }: { bytes: ArrayBuffer }) {
    const { readTraceFile } = await import('./trace-file.ts');
    const { traces, rejected, reason } = readTraceFile(new Uint8Array(bytes));
    file = traces;
    const entries = file.map(({ table }, index): FileEntry => {
      const trace = arrange(table);
      return {
        index,
        traceId: table.traceId,
        startUnixUs: table.startUnixUs,
        durationUs: trace.endUs - trace.startUs,
        spans: trace.spans,
        errors: trace.errors,
        service: table.strings[trace.service[0]] ?? '',
        resource: table.strings[trace.resource[0]] ?? '',
      };
    });
    return { traces: entries, rejected, reason };
  },
  openFromFile({ key, index }: { key: string; index: number }) {
    const entry = file.at(index);
    if (entry === undefined) throw new Refusal(410, 'the file is no longer held: open it again');
    return keep(key, entry.table, entry.spans);
  },
  arrange({ key, correctSkew }: { key: string; correctSkew: boolean }) {
    const { table, spans } = get(key);
    return keep(key, table, spans, correctSkew);
  },
  lanes: ({ key }: { key: string }) => packLanes(get(key).trace),
  repeats: ({ key }: { key: string }) => groupRepeats(get(key).trace),
  sort: ({ key, sort, only }: Parameters<TraceCalls['sort']>[0]) => sortSpans(get(key).trace, sort, only),
  groups: ({ key }: { key: string }) => groupSpans(get(key).trace),
  compare: ({ left, right }: { left: string; right: string }) => compareTraces(get(left).trace, get(right).trace),
  span: ({ key, row }: { key: string; row: number }) => spanJsonOf(get(key).spans[row]),
  logs: ({ key }: { key: string }) => logsJsonOf(get(key).spans),
  find: ({ key, text }: { key: string; text: string }) => rowsWithText(get(key).spans, text),
  async encode({ key, format }: { key: string; format: SaveFormat }) {
    const { FILE_FORMATS } = await import('./trace-file.ts');
    return FILE_FORMATS[format](get(key).spans);
  },
};

addEventListener('message', (event: MessageEvent<CallMessage>) => {
  const { id, name, args } = event.data;
  const answer = (message: AnswerMessage): void => postMessage(message);
  Promise.resolve()
    .then(() => calls[name](args as never))
    .then(
      (result) => answer({ id, result }),
      (error: unknown) => {
        const status = error instanceof Refusal ? error.status : 500;
        answer({ id, error: { status, message: error instanceof Error ? error.message : String(error) } });
      },
    );
});
