import { isForgeError } from '@forge/core';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { loadConfig, type LoadedConfig } from '../src/index.ts';

/** The folder that the test's forge.toml is in. */
export let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'forge-config-'));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

export function load(toml: string | undefined, env: Record<string, string> = {}, overrides = {}): LoadedConfig {
  if (toml !== undefined) writeFileSync(join(cwd, 'forge.toml'), toml);
  return loadConfig({ cwd, env, overrides });
}

/** The lines of problems, without the first; none where it is valid. */
export function problems(toml: string | undefined, env: Record<string, string> = {}, overrides = {}): string[] {
  try {
    load(toml, env, overrides);
    return [];
  } catch (error) {
    if (!isForgeError(error, 'FORGE_CONFIG_INVALID')) throw error;
    return error.message
      .split('\n')
      .slice(1)
      .map((line) => line.trim());
  }
}

export const TRACES = '[observability.traces]\n';
