import type { StoredTrace, TraceStore } from '@forge/storage';
import { QueryErrors } from './errors.ts';
import { readParameters, textParameter } from './parameters.ts';
import { missingParameter, ProblemError } from './problem.ts';
import { JSON_TYPE, jsonResponse, textStream } from './response.ts';
import type { Route } from './route.ts';
import { readSearch, SEARCH_PARAMETERS } from './search.ts';
import { TraceCache } from './trace-cache.ts';
import { findInTrace, traceToColumns, traceToLogs } from './trace-columns.ts';
import { findTrace, readSpanId, readTraceId } from './trace-id.ts';
import { spanToJson, traceToJson } from './trace-json.ts';

const SPANS_A_PIECE = 500;
const TRACE_ID = 'The trace’s id: 32 hexadecimal digits (16 of an old client).';
const FIND_PARAMETERS = { text: textParameter('What to look for, in any case.') };

/** Search, and one trace: whole, in columns, and in parts. */
export function traceRoutes(retention: string | undefined): Route[] {
  const cache = new TraceCache();
  const opened = async (store: TraceStore, id: string): Promise<StoredTrace> =>
    cache.get(id) ?? findTrace(store, id, retention);

  return [
    {
      method: 'GET',
      pattern: '/traces',
      access: 'read',
      summary: 'Search traces',
      description:
        'A trace matches when ONE of its spans meets operation, service, durations, status, tags, text and times together. ' +
        'Answers are exact over all stored traces, in the asked order; pages neither skip nor repeat while new traces arrive.',
      parameters: SEARCH_PARAMETERS,
      takesTags: true,
      answer: { schema: 'Page' },
      async handle({ url, store, nowUnixUs }) {
        const { query, pageToJson } = readSearch(url.searchParams, nowUnixUs);
        return jsonResponse(pageToJson(await store.search(query)));
      },
    },
    {
      method: 'GET',
      pattern: '/traces/{id}',
      access: 'read',
      summary: 'One trace with all its spans',
      parameters: {},
      pathParameters: { id: TRACE_ID },
      answer: { schema: 'Trace' },
      problems: [404],
      async handle({ url, path, store, nowUnixUs }) {
        readParameters(url.searchParams, {}, nowUnixUs);
        const trace = await findTrace(store, readTraceId(path['id']), retention);
        return new Response(textStream(traceText(trace)), { headers: { 'content-type': JSON_TYPE } });
      },
    },
    {
      method: 'DELETE',
      pattern: '/traces/{id}',
      access: 'write',
      summary: 'Removes a trace for good',
      parameters: {},
      pathParameters: { id: TRACE_ID },
      answer: { description: 'It is gone.' },
      problems: [404],
      async handle({ url, path, store, nowUnixUs }) {
        readParameters(url.searchParams, {}, nowUnixUs);
        const id = readTraceId(path['id']);
        cache.delete(id);
        if (!(await store.deleteTrace(id)))
          throw new ProblemError(404, QueryErrors.notFound, `no trace ${id} is stored`);
        return new Response(null, { status: 204 });
      },
    },
    {
      method: 'GET',
      pattern: '/traces/{id}/columns',
      access: 'read',
      summary: 'One trace as columns: what it takes to draw all its spans',
      parameters: {},
      pathParameters: { id: TRACE_ID },
      answer: { schema: 'Columns' },
      problems: [404],
      async handle({ url, path, store, nowUnixUs }) {
        readParameters(url.searchParams, {}, nowUnixUs);
        const id = readTraceId(path['id']);
        const trace = await findTrace(store, id, retention);
        cache.put(id, trace);
        return jsonResponse(traceToColumns(trace));
      },
    },
    {
      method: 'GET',
      pattern: '/traces/{id}/spans/{spanId}',
      access: 'read',
      summary: 'One span with its tags, logs and links',
      parameters: {},
      pathParameters: { id: TRACE_ID, spanId: 'The span’s id: 16 hexadecimal digits.' },
      answer: { schema: 'Span' },
      problems: [404],
      async handle({ url, path, store, nowUnixUs }) {
        readParameters(url.searchParams, {}, nowUnixUs);
        const [id, spanId] = [readTraceId(path['id']), readSpanId(path['spanId'])];
        const { spans } = await opened(store, id);
        const span = spans.find((one) => one.spanId === spanId);
        if (span === undefined)
          throw new ProblemError(404, QueryErrors.notFound, `the trace ${id} has no stored span ${spanId}`);
        return jsonResponse(spanToJson(span));
      },
    },
    {
      method: 'GET',
      pattern: '/traces/{id}/logs',
      access: 'read',
      summary: 'All log lines of a trace, by time',
      parameters: {},
      pathParameters: { id: TRACE_ID },
      answer: { schema: 'Logs' },
      problems: [404],
      async handle({ url, path, store, nowUnixUs }) {
        readParameters(url.searchParams, {}, nowUnixUs);
        return jsonResponse(traceToLogs(await opened(store, readTraceId(path['id']))));
      },
    },
    {
      method: 'GET',
      pattern: '/traces/{id}/find',
      access: 'read',
      summary: 'Rows of the columns in which a tag, a log line or the status message holds a text',
      parameters: FIND_PARAMETERS,
      pathParameters: { id: TRACE_ID },
      answer: { schema: 'Matches' },
      problems: [404],
      async handle({ url, path, store, nowUnixUs }) {
        const { text } = readParameters(url.searchParams, FIND_PARAMETERS, nowUnixUs);
        if (text === undefined) throw missingParameter('text', FIND_PARAMETERS.text.allowed);
        return jsonResponse(findInTrace(await opened(store, readTraceId(path['id'])), text));
      },
    },
  ];
}

/** The trace's JSON in pieces of some hundred spans. */
function* traceText(trace: StoredTrace): Generator<string> {
  const head = JSON.stringify(traceToJson(trace, []));
  yield head.slice(0, -2); // without ']}': `spans` is the last name
  for (let from = 0; from < trace.spans.length; from += SPANS_A_PIECE) {
    const piece = JSON.stringify(trace.spans.slice(from, from + SPANS_A_PIECE).map(spanToJson));
    yield (from === 0 ? '' : ',') + piece.slice(1, -1);
  }
  yield ']}';
}
