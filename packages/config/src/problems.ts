import type { z } from 'zod';
import { nearestName } from './nearest-name.ts';
import { shown } from './redact.ts';
import { factsAt, KEYS, keysIn, PLUGIN_ALLOWED } from './schema.ts';

type Path = readonly PropertyKey[];

/** What the messages need to know of a key besides the schema. */
export interface Sources {
  /** `forge.toml:4`, `env FORGE_SAMPLE_RATE`, `options` */
  whereOf(path: Path): string;
  /** As it was written, before references were replaced; undefined where it must not be shown. */
  writtenAt(path: Path): unknown;
}

/** One line for each problem: where, key, value, and what is allowed. */
export function problemLines(issues: readonly z.core.$ZodIssue[], sources: Sources): string[] {
  return issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((name) => {
        const path = [...issue.path, name];
        return `${sources.whereOf(path)}: ${nameOf(path)}: unknown key, ${suggestion(issue.path, name)}`;
      });
    }
    const facts = factsAt(issue.path);
    const subject = `${sources.whereOf(issue.path)}: ${nameOf(issue.path)}`;
    if (issue.code === 'custom' && issue.message.startsWith('an override')) return [`${subject}: ${issue.message}`];
    const value = shown(sources.writtenAt(issue.path), facts?.secret === true);
    return [`${subject} = ${value}: allowed is ${facts?.allowed ?? allowedAt(issue.path)}`];
  });
}

function allowedAt(path: Path): string {
  if (path[1] !== 'instrument') return `a table [${nameOf(path)}]`;
  const near = nearestName(String(path.at(-1)), keysIn(path.slice(0, -1)) ?? []);
  return near === undefined ? PLUGIN_ALLOWED : `${PLUGIN_ALLOWED}; did you mean ${near}?`;
}

function suggestion(section: Path, name: string): string {
  const here = keysIn(section) ?? [];
  const near = nearestName(name, here);
  if (near !== undefined) return `did you mean ${near}?`;
  // Right, but in the wrong place.
  const elsewhere = [...KEYS.keys()].find((key) => key.endsWith(`.${name}`));
  if (elsewhere !== undefined) return `it belongs into [${elsewhere.slice(0, elsewhere.lastIndexOf('.'))}]`;
  return `allowed is ${here.join(', ')}`;
}

/** `observability.traces.override[0].sample_rate` */
export function nameOf(path: Path): string {
  return path
    .map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i === 0 ? '' : '.'}${quotedIfNeeded(String(part))}`))
    .join('');
}

function quotedIfNeeded(name: string): string {
  return /^[\w-]+$/.test(name) ? name : JSON.stringify(name);
}
