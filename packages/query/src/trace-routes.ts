import type { StoredTrace } from '@forge/storage';
import { readParameters } from './parameters.ts';
import { JSON_TYPE, jsonResponse, textStream } from './response.ts';
import type { Route } from './route.ts';
import { readSearch, SEARCH_PARAMETERS } from './search.ts';
import { findTrace, readTraceId } from './trace-id.ts';
import { spanToJson, traceToJson } from './trace-json.ts';

const SPANS_A_PIECE = 500;

/** Search, and one trace whole. */
export function traceRoutes(retention: string | undefined): Route[] {
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
      pathParameters: { id: 'The trace’s id: 32 hexadecimal digits (16 of an old client).' },
      answer: { schema: 'Trace' },
      problems: [404],
      async handle({ url, path, store, nowUnixUs }) {
        readParameters(url.searchParams, {}, nowUnixUs);
        const trace = await findTrace(store, readTraceId(path['id']), retention);
        return new Response(textStream(traceText(trace)), { headers: { 'content-type': JSON_TYPE } });
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
