import { integerParameter, readParameters, textParameter, timeParameter } from './parameters.ts';
import { invalidParameter } from './problem.ts';
import { jsonResponse } from './response.ts';
import type { Route } from './route.ts';
import type { TimeRange } from '@forge/storage';

export const RANGE_PARAMETERS = {
  start: timeParameter('From this time on. A day before the end by default.'),
  end: timeParameter('Until before this time. Now by default.'),
};

const OPERATION_PARAMETERS = { service: textParameter('Of this service alone.'), ...RANGE_PARAMETERS };

const WHOLE_HOURS = 'The range is widened to whole hours (UTC).';
const DAY_US = 86_400e6;

/** The range of the parameters; a day until now where none are given. */
export function rangeOf(values: { start?: number; end?: number }, nowUnixUs: number): TimeRange {
  const endUnixUs = values.end ?? nowUnixUs;
  const startUnixUs = values.start ?? Math.max(0, endUnixUs - DAY_US);
  if (startUnixUs >= endUnixUs) throw invalidParameter('start', String(startUnixUs), 'a time before end');
  return { startUnixUs, endUnixUs };
}

const TAG_VALUES_PARAMETERS = {
  ...OPERATION_PARAMETERS,
  prefix: textParameter('Only values that begin with it.'),
  limit: integerParameter('How many values.', 1, 1000, 100),
};

/** What there is to search for. */
export function namesRoutes(): Route[] {
  return [
    {
      method: 'GET',
      pattern: '/services',
      access: 'read',
      summary: 'Names of the services that made spans',
      description: WHOLE_HOURS,
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
      description: WHOLE_HOURS,
      parameters: OPERATION_PARAMETERS,
      answer: { schema: 'Operations' },
      async handle({ url, store, nowUnixUs }) {
        const values = readParameters(url.searchParams, OPERATION_PARAMETERS, nowUnixUs);
        const found = await store.operations(rangeOf(values, nowUnixUs), values.service);
        return jsonResponse({ operations: found.map(({ name, resource }) => ({ operation_name: name, resource })) });
      },
    },
    {
      method: 'GET',
      pattern: '/tags',
      access: 'read',
      summary: 'Keys of the tags that spans have',
      description: WHOLE_HOURS,
      parameters: OPERATION_PARAMETERS,
      answer: { schema: 'TagKeys' },
      async handle({ url, store, nowUnixUs }) {
        const values = readParameters(url.searchParams, OPERATION_PARAMETERS, nowUnixUs);
        return jsonResponse({ keys: await store.tagKeys(rangeOf(values, nowUnixUs), values.service) });
      },
    },
    {
      method: 'GET',
      pattern: '/tags/{key}',
      access: 'read',
      summary: 'Values of one tag, to choose from',
      description: WHOLE_HOURS,
      parameters: TAG_VALUES_PARAMETERS,
      pathParameters: { key: 'The tag’s key.' },
      answer: { schema: 'TagValues' },
      async handle({ url, path, store, nowUnixUs }) {
        const values = readParameters(url.searchParams, TAG_VALUES_PARAMETERS, nowUnixUs);
        const key = path['key'];
        if (key.length > 1024 || key.includes('\0'))
          throw invalidParameter('key', key, '1 to 1024 characters, without NUL');
        const found = await store.tagValues({
          key,
          ...rangeOf(values, nowUnixUs),
          ...(values.service === undefined ? {} : { service: values.service }),
          ...(values.prefix === undefined ? {} : { prefix: values.prefix }),
          limit: values.limit ?? 100,
        });
        return jsonResponse({ key, values: found.values, complete: found.complete });
      },
    },
  ];
}
