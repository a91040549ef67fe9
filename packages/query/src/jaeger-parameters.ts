import type { TimeRange, TraceQuery } from '@forge/storage';
import { invalidParameter } from './problem.ts';
import { unixUsFromText } from './time-text.ts';

/** Parameters as Jaeger's clients send them. What they send beyond (lookback, prettyPrint ...) is passed over. */

const GO_UNITS_US: Readonly<Record<string, number>> = {
  ns: 0.001,
  us: 1,
  µs: 1,
  μs: 1,
  ms: 1000,
  s: 1e6,
  m: 60e6,
  h: 3600e6,
};
const MAX_TRACES = 200;
const DEFAULT_TRACES = 20;
const DAY_US = 86_400e6;
const MAX_UNIX_US = 8.64e15;

/** Microseconds of a duration as Go writes it: `1.5s`, `1h2m3s`, `100us`. */
export function goDurationUs(text: string): number | undefined {
  if (text === '0') return 0;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map((part) => part[0]).join('') !== text) return undefined;
  return parts.reduce((sum, [, value, unit]) => sum + Math.round(Number(value) * GO_UNITS_US[unit] * 1000) / 1000, 0);
}

/** `/api/traces`: what the search form of Jaeger's UI and Grafana's data source ask. */
export function searchOfV1(parameters: URLSearchParams): TraceQuery {
  const { status, tags } = errorOfTags(tagsOfV1(parameters));
  return {
    ...textOf(parameters, 'service', 'service'),
    ...textOf(parameters, 'operation', 'operation'),
    ...durationsOf(parameters, 'minDuration', 'maxDuration'),
    ...microsOf(parameters, 'start', 'startUnixUs'),
    ...microsOf(parameters, 'end', 'endUnixUs'),
    ...(status === undefined ? {} : { status }),
    ...(tags.length === 0 ? {} : { tags }),
    sort: 'newest',
    limit: limitOf(parameters, ['limit']),
  };
}

/** `/api/dependencies`: until `endTs`, `lookback` before it, both in milliseconds; a day until now by default. */
export function rangeOfDependencies(parameters: URLSearchParams, nowUnixUs: number): TimeRange {
  const read = (name: string): number | undefined => {
    const text = parameters.get(name);
    if (text === null || text === '') return undefined;
    if (!/^\d{1,13}$/.test(text)) throw invalidParameter(name, text, 'milliseconds');
    return Math.min(Number(text) * 1000, MAX_UNIX_US);
  };
  const endUnixUs = read('endTs') ?? nowUnixUs;
  return { startUnixUs: Math.max(0, endUnixUs - (read('lookback') ?? DAY_US)), endUnixUs };
}

/** `/api/v3/traces`: names as the protocol's JSON has them, or with underscores as before. */
export function searchOfV3(given: URLSearchParams): TraceQuery {
  const parameters = new URLSearchParams();
  for (const [name, value] of given) if (value !== '') parameters.set(camelCase(name), value);
  const attributes = parameters.get('query.attributes');
  const { status, tags } = errorOfTags(attributes === null ? [] : tagsOfJson('query.attributes', attributes));
  return {
    ...textOf(parameters, 'query.serviceName', 'service'),
    ...textOf(parameters, 'query.operationName', 'operation'),
    ...durationsOf(parameters, 'query.durationMin', 'query.durationMax'),
    ...timeOf(parameters, 'query.startTimeMin', 'startUnixUs'),
    ...timeOf(parameters, 'query.startTimeMax', 'endUnixUs'),
    ...(status === undefined ? {} : { status }),
    ...(tags.length === 0 ? {} : { tags }),
    sort: 'newest',
    limit: limitOf(parameters, ['query.searchDepth', 'query.numTraces']),
  };
}

/** `query.start_time_min` -> `query.startTimeMin` */
function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function textOf<Name extends string>(parameters: URLSearchParams, name: string, to: Name): { [N in Name]?: string } {
  const text = parameters.get(name);
  if (text === null || text === '') return {};
  if (text.length > 255 || text.includes('\0'))
    throw invalidParameter(name, text, 'at most 255 characters, without NUL');
  return { [to]: text } as { [N in Name]?: string };
}

function durationsOf(
  parameters: URLSearchParams,
  min: string,
  max: string,
): { minDurationUs?: number; maxDurationUs?: number } {
  const read = (name: string): number | undefined => {
    const text = parameters.get(name);
    if (text === null || text === '') return undefined;
    const us = goDurationUs(text);
    if (us === undefined) throw invalidParameter(name, text, 'a duration such as 1.5s, 100ms or 1h2m');
    return us;
  };
  const [minUs, maxUs] = [read(min), read(max)];
  return {
    ...(minUs === undefined ? {} : { minDurationUs: Math.ceil(minUs) }),
    ...(maxUs === undefined || maxUs === 0 ? {} : { maxDurationUs: Math.floor(maxUs) }),
  };
}

function microsOf<Name extends string>(parameters: URLSearchParams, name: string, to: Name): { [N in Name]?: number } {
  const text = parameters.get(name);
  if (text === null || text === '') return {};
  if (!/^\d{1,16}$/.test(text)) throw invalidParameter(name, text, 'Unix microseconds');
  return { [to]: Math.min(Number(text), MAX_UNIX_US) } as { [N in Name]?: number };
}

function timeOf<Name extends string>(parameters: URLSearchParams, name: string, to: Name): { [N in Name]?: number } {
  const text = parameters.get(name);
  if (text === null) return {};
  const unixUs = /^\d{4}-/.test(text) ? unixUsFromText(text, 0) : undefined;
  if (unixUs === undefined) throw invalidParameter(name, text, 'a time as RFC 3339 writes it: 2026-01-31T08:00:00Z');
  return { [to]: unixUs } as { [N in Name]?: number };
}

/** More traces than can be sent whole are not looked for. */
function limitOf(parameters: URLSearchParams, names: readonly string[]): number {
  const name = names.find((one) => (parameters.get(one) ?? '') !== '');
  if (name === undefined) return DEFAULT_TRACES;
  const text = parameters.get(name)!;
  if (!/^\d{1,9}$/.test(text)) throw invalidParameter(name, text, 'a whole number');
  return Math.min(Math.max(Number(text), 1), MAX_TRACES);
}

/** `tag=key:value`, any number, and `tags={"key":"value"}`. */
function tagsOfV1(parameters: URLSearchParams): [string, string][] {
  const tags = parameters.getAll('tag').map((text): [string, string] => {
    const colon = text.indexOf(':');
    if (colon < 1) throw invalidParameter('tag', text, 'key:value');
    return [text.slice(0, colon), text.slice(colon + 1)];
  });
  for (const text of parameters.getAll('tags')) if (text !== '') tags.push(...tagsOfJson('tags', text));
  return tags;
}

function tagsOfJson(name: string, text: string): [string, string][] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    parsed = undefined;
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw invalidParameter(name, text, 'a JSON object of tags, such as {"http.status_code":"500"}');
  return Object.entries(parsed).map(([key, value]): [string, string] => [
    key,
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
}

/** `error=true` is how Jaeger asks for what failed: here that is the span's status. */
function errorOfTags(all: [string, string][]): { status: 'ok' | 'error' | undefined; tags: [string, string][] } {
  const error = all.find(([key, value]) => key === 'error' && (value === 'true' || value === 'false'));
  const status = error === undefined ? undefined : error[1] === 'true' ? 'error' : 'ok';
  return { status, tags: all.filter((tag) => tag !== error) };
}
