import { compareTraces } from './compare.ts';
import { readParameters, textParameter } from './parameters.ts';
import { missingParameter } from './problem.ts';
import { jsonResponse } from './response.ts';
import type { Route } from './route.ts';
import { findTrace, readTraceId } from './trace-id.ts';

const PARAMETERS = {
  a: textParameter('The id of the trace that is compared against.', 32),
  b: textParameter('The id of the trace that is compared.', 32),
};

export function compareRoute(retention: string | undefined): Route {
  return {
    method: 'GET',
    pattern: '/compare',
    access: 'read',
    summary: 'Two traces laid over each other: what is slower, fails, is missing or new',
    description: 'Spans are matched by where they are: same ancestors, service, operation and resource.',
    parameters: PARAMETERS,
    answer: { schema: 'Comparison' },
    problems: [404],
    async handle({ url, store, nowUnixUs }) {
      const { a, b } = readParameters(url.searchParams, PARAMETERS, nowUnixUs);
      if (a === undefined) throw missingParameter('a', 'the id of a trace');
      if (b === undefined) throw missingParameter('b', 'the id of a trace');
      const [idA, idB] = [readTraceId(a, 'a'), readTraceId(b, 'b')];
      const [traceA, traceB] = await Promise.all([findTrace(store, idA, retention), findTrace(store, idB, retention)]);
      return jsonResponse(compareTraces(traceA, traceB));
    },
  };
}
