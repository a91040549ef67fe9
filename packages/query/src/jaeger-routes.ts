import { encodeJaegerJson, encodeOtlpJson } from '@forge/formats';
import type { StoredTrace, TimeRange, TraceStore } from '@forge/storage';
import { rangeOfDependencies, searchOfV1, searchOfV3 } from './jaeger-parameters.ts';
import { ProblemError } from './problem.ts';
import { jsonResponse, JSON_TYPE, textStream } from './response.ts';
import type { Route, RouteContext } from './route.ts';
import { findTrace, readTraceId } from './trace-id.ts';

/** A trace of more spans than this, all traces of an answer together, is not read for a search. */
const MAX_SPANS = 200_000;

type Handle = Route['handle'];

/**
 * The query API of Jaeger, as Jaeger's UI and Grafana's data source call it: v1 (`/api/traces` ...) and v3
 * (`/api/v3/traces` ...). Unlike the rest of this API it passes over parameters that it does not know, and words
 * errors as Jaeger does.
 */
export function jaegerRoutes(retention: string | undefined): Route[] {
  const v1 = (pattern: string, summary: string, handle: Handle): Route =>
    jaegerRoute(pattern, summary, v1Errors(handle));
  const v3 = (pattern: string, summary: string, handle: Handle): Route =>
    jaegerRoute(pattern, summary, v3Errors(handle));
  return [
    v1('/jaeger/api/services', 'Jaeger v1: services', async ({ store, nowUnixUs }) =>
      data(await store.services(always(nowUnixUs))),
    ),
    v1(
      '/jaeger/api/services/{service}/operations',
      'Jaeger v1: operations of a service',
      async ({ path, store, nowUnixUs }) => data(await operationsOf(store, path['service'], nowUnixUs)),
    ),
    v1('/jaeger/api/operations', 'Jaeger v1: operations with their kinds', async ({ url, store, nowUnixUs }) => {
      const names = await operationsOf(store, url.searchParams.get('service') ?? undefined, nowUnixUs);
      return data(names.map((name) => ({ name, spanKind: '' })));
    }),
    v1('/jaeger/api/traces/{id}', 'Jaeger v1: one trace', async ({ path, store }) =>
      traces([await findTrace(store, readTraceId(path['id']), retention)]),
    ),
    v1('/jaeger/api/traces', 'Jaeger v1: search', async (context) => traces(await search(context))),
    v1('/jaeger/api/dependencies', 'Jaeger v1: who calls whom', async ({ url, store, nowUnixUs }) => {
      const edges = await store.edges(rangeOfDependencies(url.searchParams, nowUnixUs));
      return data(edges.map(({ parent, child, requests }) => ({ parent, child, callCount: requests })));
    }),
    v3('/jaeger/api/v3/services', 'Jaeger v3: services', async ({ store, nowUnixUs }) =>
      jsonResponse({ services: await store.services(always(nowUnixUs)) }),
    ),
    v3('/jaeger/api/v3/operations', 'Jaeger v3: operations of a service', async ({ url, store, nowUnixUs }) => {
      const names = await operationsOf(store, url.searchParams.get('service') ?? undefined, nowUnixUs);
      return jsonResponse({ operations: names.map((name) => ({ name, spanKind: 'internal' })) });
    }),
    v3('/jaeger/api/v3/traces/{id}', 'Jaeger v3: one trace', async ({ path, store }) =>
      otlp([await findTrace(store, readTraceId(path['id']), retention)]),
    ),
    v3('/jaeger/api/v3/traces', 'Jaeger v3: search', async ({ url, store }) => {
      const { traces: found } = await store.search(searchOfV3(url.searchParams));
      const whole = await readWhole(
        store,
        found.map((trace) => trace.traceId),
      );
      return whole.length === 0 ? v3Error(404, 'No traces found') : otlp(whole);
    }),
  ];
}

function jaegerRoute(pattern: string, summary: string, handle: Handle): Route {
  return {
    method: 'GET',
    pattern,
    access: 'read',
    summary,
    parameters: {},
    answer: { contentType: 'application/json', description: 'As Jaeger answers it.' },
    problems: [404],
    isJaegers: true,
    handle,
  };
}

async function search({ url, store }: RouteContext): Promise<StoredTrace[]> {
  const ids = url.searchParams.getAll('traceID').map((id) => readTraceId(id, 'traceID'));
  if (ids.length > 0) return readWhole(store, ids);
  const { traces: found } = await store.search(searchOfV1(url.searchParams));
  return readWhole(
    store,
    found.map((trace) => trace.traceId),
  );
}

/** Whole traces, up to a bound of spans: what is beyond it is left out, the last ones first. */
async function readWhole(store: TraceStore, ids: readonly string[]): Promise<StoredTrace[]> {
  const whole: StoredTrace[] = [];
  let spans = 0;
  for (const id of ids) {
    const trace = await store.trace(id);
    if (trace === undefined) continue;
    spans += trace.spans.length;
    if (spans > MAX_SPANS && whole.length > 0) break;
    whole.push(trace);
  }
  return whole;
}

/** Names and resources: a search by operation finds both. */
async function operationsOf(store: TraceStore, service: string | undefined, nowUnixUs: number): Promise<string[]> {
  const found = await store.operations(always(nowUnixUs), service);
  return [...new Set(found.flatMap(({ name, resource }) => [name, resource]))].sort();
}

/** Jaeger's lists of names know no time. An hour ahead of now: clocks differ. */
function always(nowUnixUs: number): TimeRange {
  return { startUnixUs: 0, endUnixUs: nowUnixUs + 3_600_000_000 };
}

function data(list: readonly unknown[]): Response {
  return jsonResponse({ data: list, total: list.length, limit: 0, offset: 0, errors: null });
}

function traces(whole: readonly StoredTrace[]): Response {
  function* pieces(): Generator<string> {
    yield '{"data":[';
    for (const [i, trace] of whole.entries()) {
      const document = encodeJaegerJson(trace.spans);
      yield (i === 0 ? '' : ',') + document.slice(document.indexOf('[') + 1, document.lastIndexOf('],"total"'));
    }
    yield `],"total":${whole.length},"limit":0,"offset":0,"errors":null}`;
  }
  return new Response(textStream(pieces()), { headers: { 'content-type': JSON_TYPE } });
}

function otlp(whole: readonly StoredTrace[]): Response {
  function* pieces(): Generator<string> {
    yield '{"result":{"resourceSpans":[';
    for (const [i, trace] of whole.entries()) {
      const document = encodeOtlpJson(trace.spans);
      yield (i === 0 ? '' : ',') + document.slice(document.indexOf('[') + 1, document.lastIndexOf(']'));
    }
    yield ']}}';
  }
  return new Response(textStream(pieces()), { headers: { 'content-type': JSON_TYPE } });
}

function v1Errors(handle: Handle): Handle {
  return onProblem(handle, (status, msg) =>
    jsonResponse({ data: null, total: 0, limit: 0, offset: 0, errors: [{ code: status, msg }] }, status),
  );
}

function v3Errors(handle: Handle): Handle {
  return onProblem(handle, v3Error);
}

function v3Error(status: number, message: string): Response {
  return jsonResponse({ error: { httpCode: status, message } }, status);
}

function onProblem(handle: Handle, answer: (status: number, message: string) => Response): Handle {
  return async (context) => {
    try {
      return await handle(context);
    } catch (error) {
      if (error instanceof ProblemError) return answer(error.status, error.message);
      throw error;
    }
  };
}
