import type { LoadedConfig } from './load-config.ts';
import { shown } from './redact.ts';
import { factsAt } from './schema.ts';

/** One key, as `forge doctor` shows it. */
export interface ConfigLine {
  /** `observability.traces.sample_rate` */
  readonly key: string;
  /** As JSON, secrets hidden; empty where nothing is set. */
  readonly value: string;
  /** `default`, `forge.toml:4`, `env FORGE_SAMPLE_RATE` or `options`. */
  readonly from: string;
}

/** Every key with its value and where that comes from. Safe to print: tokens, headers and passwords are hidden. */
export function describeConfig(loaded: LoadedConfig): ConfigLine[] {
  return [...loaded.provenance].map(([key, from]) => {
    const path = key.split('.');
    let value: unknown = loaded.parsed;
    for (const part of path) value = (value as Record<string, unknown> | undefined)?.[part];
    return { key, value: value === undefined ? '' : shown(value, factsAt(path)?.secret === true), from };
  });
}
