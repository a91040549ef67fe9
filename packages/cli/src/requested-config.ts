import { loadConfig, type LoadedConfig } from '@forge/config';
import type { StoreRequest } from './command-host.ts';

/** The configuration as this command line asks for it; what was ignored is said. */
export function loadRequested({ cwd, env, configFile, onProgress }: StoreRequest): LoadedConfig {
  const loaded = loadConfig({ cwd, env, ...(configFile === undefined ? {} : { file: configFile }) });
  for (const warning of loaded.warnings) onProgress(`warning: ${warning}`);
  return loaded;
}
