import { invalidParameter, unknownParameter } from './problem.ts';
import { durationUsFromText, unixUsFromText } from './time-text.ts';

/**
 * One query parameter: how it is read, how OpenAPI describes it, and what an error says is allowed.
 * The API's documentation is made from the same objects that read requests, so they cannot differ.
 */
export interface Parameter<T> {
  readonly description: string;
  readonly allowed: string;
  readonly schema: Readonly<Record<string, unknown>>;
  /** undefined: not allowed. */
  readonly read: (text: string, nowUnixUs: number) => T | undefined;
}

export type ParameterTable = Readonly<Record<string, Parameter<unknown>>>;
export type ParameterValues<Table extends ParameterTable> = {
  -readonly [Name in keyof Table]?: Table[Name] extends Parameter<infer T> ? T : never;
};

export function textParameter(description: string, maxLength = 255): Parameter<string> {
  return {
    description,
    allowed: `1 to ${maxLength} characters, without NUL`,
    schema: { type: 'string', minLength: 1, maxLength },
    read: (text) => (isText(text, maxLength) ? text : undefined),
  };
}

export function choiceParameter<const T extends string>(description: string, choices: readonly T[]): Parameter<T> {
  return {
    description,
    allowed: choices.join(', '),
    schema: { type: 'string', enum: choices },
    read: (text) => choices.find((choice) => choice === text),
  };
}

export function integerParameter(description: string, min: number, max: number, byDefault?: number): Parameter<number> {
  return {
    description,
    allowed: `a whole number from ${min} to ${max}`,
    schema: { type: 'integer', minimum: min, maximum: max, ...(byDefault === undefined ? {} : { default: byDefault }) },
    read: (text) => (/^\d{1,9}$/.test(text) && Number(text) >= min && Number(text) <= max ? Number(text) : undefined),
  };
}

/** Several of the choices, with commas between, each once. */
export function choicesParameter<const T extends string>(
  description: string,
  choices: readonly T[],
): Parameter<readonly T[]> {
  return {
    description,
    allowed: `one or more of ${choices.join(', ')}, with commas between`,
    schema: { type: 'string', pattern: `^(${choices.join('|')})(,(${choices.join('|')}))*$` },
    read(text) {
      const found = text.split(',').map((part) => choices.find((choice) => choice === part));
      if (found.includes(undefined) || new Set(found).size !== found.length) return undefined;
      return found as T[];
    },
  };
}

/** Numbers from 0 to 1, ascending, with commas between. */
export function sharesParameter(description: string): Parameter<readonly number[]> {
  return {
    description,
    allowed: '1 to 10 numbers from 0 to 1, ascending, with commas between (0.5,0.99)',
    schema: { type: 'string', pattern: String.raw`^(0(\.\d+)?|1(\.0+)?)(,(0(\.\d+)?|1(\.0+)?)){0,9}$` },
    read(text) {
      if (!/^(?:0(?:\.\d{1,9})?|1(?:\.0{1,9})?)(?:,(?:0(?:\.\d{1,9})?|1(?:\.0{1,9})?)){0,9}$/.test(text))
        return undefined;
      const shares = text.split(',').map(Number);
      return shares.every((share, i) => i === 0 || share > shares[i - 1]) ? shares : undefined;
    },
  };
}

/** Whole microseconds. A bound between two of them is rounded inwards, so that the comparison stays exact. */
export function durationParameter(description: string, round: 'up' | 'down'): Parameter<number> {
  return {
    description,
    allowed: 'milliseconds (1000, 0.25) or a number with its unit: ns, us, ms, s, m, h, d (1.5s)',
    schema: { type: 'string', pattern: String.raw`^\d{1,15}(\.\d{1,9})? ?(ns|us|µs|ms|s|min|m|h|d)?$` },
    read(text) {
      const us = durationUsFromText(text);
      return us === undefined ? undefined : round === 'up' ? Math.ceil(us) : Math.floor(us);
    },
  };
}

export function timeParameter(description: string): Parameter<number> {
  return {
    description,
    allowed:
      'an ISO 8601 time with its zone (2026-01-31T08:00:00Z), whole Unix microseconds, now, or a time before now (-1h)',
    schema: { type: 'string', minLength: 1, maxLength: 40 },
    read: (text, nowUnixUs) => unixUsFromText(text, nowUnixUs),
  };
}

const MAX_TAGS = 20;
const TAGS_ALLOWED = `tag.KEY=VALUE, at most ${MAX_TAGS}, each key and value at most 1024 characters, without NUL`;

/** What `tag.KEY=VALUE` asks for, in the order given. */
export interface TagParameters {
  readonly tags: [key: string, value: string][];
}

/**
 * Reads all parameters of a URL by `table`. Unknown and repeated ones are refused, `tag.` ones only taken where
 * `withTags` says so.
 * @throws ProblemError naming the parameter, its value and what is allowed
 */
export function readParameters<Table extends ParameterTable>(
  parameters: URLSearchParams,
  table: Table,
  nowUnixUs: number,
  withTags = false,
): ParameterValues<Table> & TagParameters {
  const values: Record<string, unknown> = {};
  const tags: [string, string][] = [];
  for (const [name, text] of parameters) {
    if (withTags && name.startsWith('tag.')) {
      const key = name.slice(4);
      if (!isText(key, 1024) || text.length > 1024 || text.includes('\0') || tags.length >= MAX_TAGS)
        throw invalidParameter(name, text, TAGS_ALLOWED);
      tags.push([key, text]);
      continue;
    }
    const parameter = Object.hasOwn(table, name) ? table[name] : undefined;
    if (parameter === undefined)
      throw unknownParameter(name, text, [...Object.keys(table), ...(withTags ? ['tag.KEY'] : [])]);
    if (Object.hasOwn(values, name)) throw invalidParameter(name, text, 'to be given once');
    const value = parameter.read(text, nowUnixUs);
    if (value === undefined) throw invalidParameter(name, text, parameter.allowed);
    values[name] = value;
  }
  return { ...(values as ParameterValues<Table>), tags };
}

function isText(text: string, maxLength: number): boolean {
  return text.length > 0 && text.length <= maxLength && !text.includes('\0');
}
