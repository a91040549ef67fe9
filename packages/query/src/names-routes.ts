import { readParameters, textParameter, timeParameter } from './parameters.ts';
import { invalidParameter } from './problem.ts';
import { jsonResponse } from './response.ts';
import type { Route } from './route.ts';
import type { TimeRange } from '@forge/storage';

export const RANGE_PARAMETERS = {
  start: timeParameter('Spans that started at this time or later. A day ago by default.'),
  end: timeParameter('Spans that started before this time. Now by default.'),
};

const OPERATION_PARAMETERS = { service: textParameter('Of this service alone.'), ...RANGE_PARAMETERS };

const DAY_US = 86_400e6;

/** The range of the parameters; a day until now where none are given. */
export function rangeOf(values: { start?: number; end?: number }, nowUnixUs: number): TimeRange {
  const endUnixUs = values.end ?? nowUnixUs;
  const startUnixUs = values.start ?? Math.max(0, endUnixUs - DAY_US);
  if (startUnixUs >= endUnixUs) throw invalidParameter('start', String(startUnixUs), 'a time before end');
  return { startUnixUs, endUnixUs };
}

/** What there is to search for. */
export function namesRoutes(): Route[] {
  return [
    {
      method: 'GET',
      pattern: '/services',
      access: 'read',
      summary: 'Names of the services that made spans',
      parameters: RANGE_PARAMETERS,
      answer: { schema: 'Services' },
      async handle({ url, store, nowUnixUs }) {
        const values = readParameters(url.searchParams, RANGE_PARAMETERS, nowUnixUs);
        return jsonResponse({ services: await store.services(rangeOf(values, nowUnixUs)) });
      },
    },
    {
      method: 'GET',
      pattern: '/operations',
      access: 'read',
      summary: 'Span names and what they worked on',
      parameters: OPERATION_PARAMETERS,
      answer: { schema: 'Operations' },
      async handle({ url, store, nowUnixUs }) {
        const values = readParameters(url.searchParams, OPERATION_PARAMETERS, nowUnixUs);
        const found = await store.operations(rangeOf(values, nowUnixUs), values.service);
        return jsonResponse({ operations: found.map(({ name, resource }) => ({ operation_name: name, resource })) });
      },
    },
  ];
}
