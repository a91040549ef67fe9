import type { Diagnostics } from '@forge/core';
import { queueError } from './errors.ts';
import type { Spool } from './spool.ts';
import { systemTimers, type Timers } from './timers.ts';

export interface ExportQueueOptions {
  /** Where problems are said and counters read. */
  readonly diagnostics: Diagnostics;
  /** A full batch leaves at once. Default 1,000. */
  readonly maxBatchSpans?: number;
  /** As estimated in memory. Default 2 MiB. */
  readonly maxBatchBytes?: number;
  /** A batch that does not fill up leaves after this. Default 500. */
  readonly delayMs?: number;
  /** Held in memory at most, what is under way included. Beyond it new spans are dropped and counted. Default 65,536. */
  readonly maxQueuedSpans?: number;
  /** As estimated in memory. Default 64 MiB. */
  readonly maxQueuedBytes?: number;
  /** Batches under way at once. Default 1. */
  readonly maxInFlight?: number;
  /** A batch that takes longer is aborted and tried again. Default 10,000. */
  readonly timeoutMs?: number;
  /** The first wait after a failure; doubles up to `maxBackoffMs`, the upper half of it random. Default 250. */
  readonly minBackoffMs?: number;
  /** Default 10,000. */
  readonly maxBackoffMs?: number;
  /** Takes batches while the backend is away, too slow, or the process ends. Without it they stay in memory. */
  readonly spool?: Spool;
  /** With a spool: a batch that has waited for this long goes to disk. Default 2,000. */
  readonly spoolAfterMs?: number;
  /** For tests. */
  readonly timers?: Timers;
  /** In [0, 1), for the jitter. For tests. */
  readonly random?: () => number;
}

export type QueueSettings = Required<Omit<ExportQueueOptions, 'spool'>> & { readonly spool: Spool | undefined };

const DEFAULTS = {
  maxBatchSpans: 1000,
  maxBatchBytes: 2 * 1024 * 1024,
  delayMs: 500,
  maxQueuedSpans: 65_536,
  maxQueuedBytes: 64 * 1024 * 1024,
  maxInFlight: 1,
  timeoutMs: 10_000,
  minBackoffMs: 250,
  maxBackoffMs: 10_000,
  spoolAfterMs: 2000,
};

/** All settings, defaults filled in. Throws FORGE_EXPORT_OPTION_INVALID where one makes no sense. */
export function settingsOf(options: ExportQueueOptions): QueueSettings {
  const settings = {
    ...DEFAULTS,
    timers: systemTimers,
    random: Math.random,
    spool: undefined,
    ...definedOnly(options),
  };
  for (const name of Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[]) {
    const least = name === 'delayMs' || name === 'spoolAfterMs' ? 0 : 1;
    if (!(settings[name] >= least))
      throw queueError('FORGE_EXPORT_OPTION_INVALID', `${name} is ${settings[name]}: it must be at least ${least}`);
  }
  return settings;
}

function definedOnly(options: ExportQueueOptions): ExportQueueOptions {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as unknown as ExportQueueOptions;
}
