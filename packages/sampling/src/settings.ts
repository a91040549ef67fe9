import { ForgeError } from '@forge/core';
import { INVALID_OPTION } from './errors.ts';
import { overridesOf, type SamplingOverride } from './overrides.ts';
import type { NodeSettings } from './sampling-node.ts';

/** What can be changed while it runs. */
export interface SamplingSettings {
  /** The share of traces kept without any reason, 0 to 1. 1 by default. */
  readonly sampleRate?: number;
  /** What keeps a trace whole at any rate. Both by default. */
  readonly alwaysSample?: readonly ('errors' | 'slow_requests')[];
  /** From when on a request (a local root) is slow; above 0. 1,000 by default. */
  readonly slowThresholdMs?: number;
  /** Other rates and thresholds for some operations or services; the first that matches wins. */
  readonly overrides?: readonly SamplingOverride[];
  /** Most traces kept for an error or for being slow, a second and in all nodes together; above 0. 500 by default. */
  readonly maxKeptPerSecond?: number;
}

const DEFAULT_SETTINGS: Required<SamplingSettings> = {
  sampleRate: 1,
  alwaysSample: ['errors', 'slow_requests'],
  slowThresholdMs: 1000,
  overrides: [],
  maxKeptPerSecond: 500,
};

/** `given` over the defaults. Throws FORGE_SAMPLING_INVALID_OPTION. */
export function settingsOf(given: SamplingSettings): Required<SamplingSettings> {
  const settings = {
    sampleRate: given.sampleRate ?? DEFAULT_SETTINGS.sampleRate,
    alwaysSample: given.alwaysSample ?? DEFAULT_SETTINGS.alwaysSample,
    slowThresholdMs: given.slowThresholdMs ?? DEFAULT_SETTINGS.slowThresholdMs,
    overrides: given.overrides ?? DEFAULT_SETTINGS.overrides,
    maxKeptPerSecond: given.maxKeptPerSecond ?? DEFAULT_SETTINGS.maxKeptPerSecond,
  };
  requireRate('sampleRate', settings.sampleRate);
  requirePositive('slowThresholdMs', settings.slowThresholdMs);
  requirePositive('maxKeptPerSecond', settings.maxKeptPerSecond);
  for (const reason of settings.alwaysSample)
    if (reason !== 'errors' && reason !== 'slow_requests')
      throw invalid('alwaysSample', reason, "a list of 'errors' and 'slow_requests'");
  settings.overrides.forEach(({ sampleRate, slowThresholdMs }, i) => {
    if (sampleRate !== undefined) requireRate(`overrides[${i}].sampleRate`, sampleRate);
    if (slowThresholdMs !== undefined && slowThresholdMs !== false)
      requirePositive(`overrides[${i}].slowThresholdMs`, slowThresholdMs);
  });
  return settings;
}

/** The node's part of the settings. */
export function nodeSettings(settings: Required<SamplingSettings>, serviceName: string | undefined): NodeSettings {
  return {
    keepErrors: settings.alwaysSample.includes('errors'),
    keepSlow: settings.alwaysSample.includes('slow_requests'),
    slowThresholdMs: settings.slowThresholdMs,
    maxKeptPerSecond: settings.maxKeptPerSecond,
    overrides: overridesOf(settings.overrides, serviceName),
  };
}

export function requirePositive(name: string, value: number): void {
  if (!(value > 0 && value < Infinity)) throw invalid(name, value, 'a number above 0');
}

function requireRate(name: string, value: number): void {
  if (!(value >= 0 && value <= 1)) throw invalid(name, value, 'a number from 0 to 1');
}

function invalid(name: string, value: unknown, allowed: string): ForgeError {
  return new ForgeError(INVALID_OPTION, `sampling option ${name} is ${JSON.stringify(value)}: it takes ${allowed}`);
}
