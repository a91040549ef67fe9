import type { TracePage, TraceQuery, TraceSort, TraceSummary } from '@forge/storage';
import { openCursor, sealCursor } from './cursor.ts';
import {
  choiceParameter,
  durationParameter,
  integerParameter,
  readParameters,
  textParameter,
  timeParameter,
  type ParameterValues,
  type TagParameters,
} from './parameters.ts';
import { invalidParameter } from './problem.ts';
import { isoFromUnixUs } from './time-text.ts';
import { wholeMs, type RootJson, type ServiceJson } from './trace-json.ts';

const SORTS = [
  'newest',
  'longest',
  'longest_span',
  'most_errors',
  'most_spans',
] as const satisfies readonly TraceSort[];

/** What chooses spans: shared by search and the live stream. */
export const FILTER_PARAMETERS = {
  operation: textParameter('A span name (`http.request`) or a resource (`create_order`), exactly.'),
  service: textParameter('The name of the service, exactly.'),
  min_duration: durationParameter('The span took at least this long, in milliseconds or with a unit.', 'up'),
  max_duration: durationParameter('The span took at most this long, in milliseconds or with a unit.', 'down'),
  status: choiceParameter('How the span ended.', ['ok', 'error']),
  text: textParameter('Case-insensitive part of the name, the resource, the status message or a tag’s value.'),
  kept: textParameter('Why the trace was kept: `head`, `error`, `slow`, `peer`, `forced`, `job`.', 32),
};

export const SEARCH_PARAMETERS = {
  ...FILTER_PARAMETERS,
  start: timeParameter('The span started at this time or later.'),
  end: timeParameter('The span started before this time.'),
  sort: choiceParameter(
    '`newest` by the trace’s start; `longest` by the whole trace; `longest_span` by the longest span that matches.',
    SORTS,
  ),
  limit: integerParameter('How many traces a page holds.', 1, 1000, 50),
  cursor: textParameter('`next_cursor` of the page before, with the other parameters unchanged.', 2048),
};

/** A page of the search. */
export interface PageJson {
  traces: SummaryJson[];
  /** Give it as `cursor` for the next page; null on the last one. */
  next_cursor: string | null;
}

export interface SummaryJson {
  trace_id: string;
  root: RootJson;
  start_time: string;
  start_us: number;
  duration_ms: number;
  duration_us: number;
  /** Number of spans and of failed ones, of the whole trace. */
  spans: number;
  errors: number;
  services: ServiceJson[];
  kept: string;
  /** The longest span that matched. */
  longest_match_us: number;
}

/** A search as the parameters ask for it, and the way to write the cursor of its next page. */
export interface Search {
  readonly query: TraceQuery;
  readonly pageToJson: (page: TracePage) => PageJson;
}

/**
 * Reads the parameters of `GET /_api/traces`.
 * Times before now (`-1h`) are fixed by the first page: the cursor carries them.
 * @throws ProblemError naming the parameter, its value and what is allowed
 */
export function readSearch(parameters: URLSearchParams, nowUnixUs: number): Search {
  const { tags, ...values } = readParameters(parameters, SEARCH_PARAMETERS, nowUnixUs, true);
  const opened = values.cursor === undefined ? undefined : openCursor(values.cursor, parameters);
  const startUnixUs = opened === undefined ? values.start : opened.startUnixUs;
  const endUnixUs = opened === undefined ? values.end : opened.endUnixUs;
  if (startUnixUs !== undefined && endUnixUs !== undefined && startUnixUs >= endUnixUs)
    throw invalidParameter('end', parameters.get('end') ?? '', 'a time after start');
  const query: TraceQuery = {
    ...queryOfFilter({ ...values, tags }),
    ...(startUnixUs === undefined ? {} : { startUnixUs }),
    ...(endUnixUs === undefined ? {} : { endUnixUs }),
    sort: values.sort ?? 'newest',
    limit: values.limit ?? 50,
    ...(opened === undefined ? {} : { cursor: opened.storeCursor }),
  };
  return {
    query,
    pageToJson: (page) => ({
      traces: page.traces.map(summaryToJson),
      next_cursor:
        page.next === undefined ? null : sealCursor({ storeCursor: page.next, startUnixUs, endUnixUs }, parameters),
    }),
  };
}

/** The store's conditions of the filter parameters. @throws ProblemError where the durations contradict each other */
export function queryOfFilter(values: ParameterValues<typeof FILTER_PARAMETERS> & TagParameters): Partial<TraceQuery> {
  const { min_duration: minDurationUs, max_duration: maxDurationUs, tags } = values;
  if (minDurationUs !== undefined && maxDurationUs !== undefined && minDurationUs > maxDurationUs)
    throw invalidParameter('max_duration', `${maxDurationUs / 1000}`, 'min_duration or more');
  return {
    ...(values.operation === undefined ? {} : { operation: values.operation }),
    ...(values.service === undefined ? {} : { service: values.service }),
    ...(minDurationUs === undefined ? {} : { minDurationUs }),
    ...(maxDurationUs === undefined ? {} : { maxDurationUs }),
    ...(values.status === undefined ? {} : { status: values.status }),
    ...(tags.length === 0 ? {} : { tags }),
    ...(values.text === undefined ? {} : { text: values.text }),
    ...(values.kept === undefined ? {} : { kept: values.kept }),
  };
}

export function summaryToJson(summary: TraceSummary): SummaryJson {
  return {
    trace_id: summary.traceId,
    root: {
      operation_name: summary.root.name,
      resource: summary.root.resource,
      service_name: summary.root.service,
      status: summary.root.status,
    },
    start_time: isoFromUnixUs(summary.startUnixUs),
    start_us: summary.startUnixUs,
    duration_ms: wholeMs(summary.durationUs),
    duration_us: summary.durationUs,
    spans: summary.spans,
    errors: summary.errors,
    services: summary.services.map(({ name, spans, errors }) => ({ service_name: name, spans, errors })),
    kept: summary.kept,
    longest_match_us: summary.longestMatchUs,
  };
}
