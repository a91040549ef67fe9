/**
 * `forge.toml`, `FORGE_*` and the honoured `OTEL_*` variables as one validated, frozen object,
 * with the place that each value comes from.
 *
 * @example
 * const { config, warnings } = loadConfig();
 * config.traces.slowThresholdMs; // 1000
 *
 * @module
 */
export { parseBytes } from './bytes.ts';
export { describeConfig, type ConfigLine } from './describe-config.ts';
export { parseDuration } from './duration.ts';
export { ConfigErrors } from './errors.ts';
export type {
  ApiConfig,
  CollectorConfig,
  ExportConfig,
  ForgeConfig,
  InstrumentConfig,
  ServiceConfig,
  StorageConfig,
  TracesConfig,
  TracesOverride,
} from './forge-config.ts';
export { loadConfig, type LoadConfigOptions, type LoadedConfig } from './load-config.ts';
export type { ConfigInput } from './schema.ts';
