import { ForgeError } from '@forge/core';
import { InvalidArgumentError, type Command } from 'commander';
import { CliErrors } from './errors.ts';

/** The options that choose spans, as commander reads them: text, checked by the API alone. */
export interface FilterOptions {
  readonly operation?: string;
  readonly service?: string;
  readonly minDuration?: string;
  readonly maxDuration?: string;
  readonly status?: string;
  readonly tag?: readonly string[];
  readonly text?: string;
  readonly kept?: string;
}

const FILTERS: readonly (readonly [flags: string, description: string])[] = [
  ['-o, --operation <name>', 'a span name (http.request) or a resource (create_order)'],
  ['-s, --service <name>', 'the service’s name'],
  ['--min-duration <time>', 'at least this long: 1000 (ms), 1.5s'],
  ['--max-duration <time>', 'at most this long'],
  ['--status <status>', 'ok or error'],
  ['--text <text>', 'part of a name, resource, status message or tag, in any case'],
  ['--kept <reason>', 'why the trace was kept: head, error, slow, ...'],
];

export function addFilterOptions(command: Command): Command {
  for (const [flags, description] of FILTERS) command.option(flags, description);
  return command.option('-t, --tag <key=value>', 'a tag’s value; may be repeated', collectTag, []);
}

function collectTag(text: string, before: readonly string[]): string[] {
  if (text.indexOf('=') < 1) throw new InvalidArgumentError('Allowed: KEY=VALUE.');
  return [...before, text];
}

/** The API's parameters of the options: `minDuration` -> `min_duration`, `--tag a=b` -> `tag.a=b`. */
export function parametersOf(options: object): URLSearchParams {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(options) as [string, unknown][]) {
    if (name === 'tag') {
      for (const tag of value as string[])
        parameters.append(`tag.${tag.slice(0, tag.indexOf('='))}`, tag.slice(tag.indexOf('=') + 1));
    } else if (typeof value === 'string') {
      parameters.set(
        name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
        value,
      );
    }
  }
  return parameters;
}

/** A whole number of an option. @throws ForgeError naming it and what is allowed */
export function integerOption(name: string, text: string, min: number, max: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new ForgeError(
    CliErrors.usage,
    `${name}: ${JSON.stringify(text)} is not allowed; allowed: a whole number from ${min} to ${max}`,
  );
}
