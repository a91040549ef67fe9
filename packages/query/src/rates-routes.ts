import { Kind } from '@forge/core';
import type { RateFilter } from '@forge/storage';
import { RANGE_PARAMETERS, rangeOf } from './names-routes.ts';
import {
  choiceParameter,
  choicesParameter,
  durationParameter,
  integerParameter,
  readParameters,
  sharesParameter,
  textParameter,
  type ParameterValues,
} from './parameters.ts';
import { invalidParameter } from './problem.ts';
import { edgesToJson, heatmapToJson, ratesToJson } from './rates.ts';
import { jsonResponse } from './response.ts';
import type { Route } from './route.ts';
import type { KindJson } from './trace-json.ts';

const COUNTED = {
  service: textParameter('Of this service alone.'),
  operation: textParameter('A span name or a resource, exactly.'),
  kind: choicesParameter('Of these kinds alone: `server,consumer` is what comes in.', Object.keys(Kind) as KindJson[]),
  ...RANGE_PARAMETERS,
  step: durationParameter(
    'The least time between points: the next of 1, 2, 3, 5, 10, 15, 30 min, 1, 2, 3, 6, 12 h, or days. About 100 points by default.',
    'up',
  ),
};

const RATES_PARAMETERS = {
  ...COUNTED,
  by: choicesParameter('One series for each combination; `service,operation` by default.', [
    'service',
    'operation',
    'resource',
  ]),
  quantiles: sharesParameter('Shares of the requests; `0.5,0.95,0.99` by default.'),
  limit: integerParameter('Most series, those with most requests first.', 1, 1000, 50),
};

const HEATMAP_PARAMETERS = { ...COUNTED, status: choiceParameter('How the spans ended.', ['ok', 'error']) };

const MINUTE_US = 60e6;
const MAX_POINTS = 2000;
const QUANTILES = [0.5, 0.95, 0.99];

/** What goes on: of all traffic, sampled or not. */
export function ratesRoutes(): Route[] {
  return [
    {
      method: 'GET',
      pattern: '/rates',
      access: 'read',
      summary: 'Requests, errors and latency quantiles over time',
      description:
        'Counted over all traffic in the processes themselves: exact at any sample rate. Quantiles to 6.25 %.',
      parameters: RATES_PARAMETERS,
      answer: { schema: 'Rates' },
      async handle({ url, store, nowUnixUs }) {
        const values = readParameters(url.searchParams, RATES_PARAMETERS, nowUnixUs);
        const quantiles = values.quantiles ?? QUANTILES;
        const result = await store.rates({
          ...filterOf(values, nowUnixUs),
          by: values.by ?? ['service', 'operation'],
          quantiles,
          limit: values.limit ?? 50,
        });
        return jsonResponse(ratesToJson(result, quantiles));
      },
    },
    {
      method: 'GET',
      pattern: '/heatmap',
      access: 'read',
      summary: 'How many spans took how long, over time',
      parameters: HEATMAP_PARAMETERS,
      answer: { schema: 'Heatmap' },
      async handle({ url, store, nowUnixUs }) {
        const values = readParameters(url.searchParams, HEATMAP_PARAMETERS, nowUnixUs);
        const status = values.status === undefined ? {} : { status: values.status };
        return jsonResponse(heatmapToJson(await store.heatmap({ ...filterOf(values, nowUnixUs), ...status })));
      },
    },
    {
      method: 'GET',
      pattern: '/edges',
      access: 'read',
      summary: 'Who called whom: the service map',
      description:
        'Calls are weighted by what each sampled span stands for. The range is widened to whole minutes (UTC).',
      parameters: RANGE_PARAMETERS,
      answer: { schema: 'Edges' },
      async handle({ url, store, nowUnixUs }) {
        const values = readParameters(url.searchParams, RANGE_PARAMETERS, nowUnixUs);
        return jsonResponse(edgesToJson(await store.edges(rangeOf(values, nowUnixUs))));
      },
    },
  ];
}

function filterOf(values: ParameterValues<typeof COUNTED>, nowUnixUs: number): RateFilter & { stepUs?: number } {
  const range = rangeOf(values, nowUnixUs);
  if (values.step !== undefined) {
    const leastUs = Math.ceil((range.endUnixUs - range.startUnixUs) / MAX_POINTS);
    if (Math.max(values.step, MINUTE_US) < leastUs)
      throw invalidParameter(
        'step',
        `${values.step / 1000}`,
        `${Math.ceil(leastUs / MINUTE_US)}m or more, for so long a time`,
      );
  }
  return {
    ...range,
    ...(values.service === undefined ? {} : { service: values.service }),
    ...(values.operation === undefined ? {} : { operation: values.operation }),
    ...(values.kind === undefined ? {} : { kinds: values.kind.map((name) => Kind[name]) }),
    ...(values.step === undefined ? {} : { stepUs: values.step }),
  };
}
