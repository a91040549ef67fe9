import type { InstrumentationHost } from '@forge/instrumentation';

export interface LogsOptions {
  /** Whether lines written within a span become its logs. Default: true. */
  readonly capture?: boolean;
  /** The lowest level that becomes a span's log. Default: `debug`. */
  readonly minLevel?: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';
  /** Most lines of one span, 64 by default; of 128 events in all the others stay free for exceptions. Further ones are counted. */
  readonly maxLinesPerSpan?: number;
  /**
   * `console`: lines become logs of their span and are printed as they are (`true`, the default), are printed with
   * ` trace_id=.. span_id=..` behind them (`'ids'`), or are left alone (`false`).
   */
  readonly console?: boolean | 'ids';
}

export interface LogsSettings {
  readonly capture: boolean;
  readonly minSeverity: number;
  readonly maxLinesPerSpan: number;
  readonly printIds: boolean;
}

// Loggers know the running plugin by its host alone.
const byHost = new WeakMap<InstrumentationHost, LogsSettings>();

const SEVERITIES: Readonly<Record<string, number>> = {
  silly: 10,
  trace: 10,
  verbose: 20,
  debug: 20,
  http: 30,
  info: 30,
  notice: 30,
  log: 30,
  warn: 40,
  warning: 40,
  error: 50,
  crit: 60,
  alert: 60,
  emerg: 60,
  fatal: 60,
};

/** As pino counts: 10 trace to 60 fatal. A level of the application's own counts as info. */
export function severityOf(level: string): number {
  return SEVERITIES[level] ?? 30;
}

export function setOptions(host: InstrumentationHost, options: LogsOptions): void {
  byHost.set(host, {
    capture: options.capture ?? true,
    minSeverity: severityOf(options.minLevel ?? 'debug'),
    maxLinesPerSpan: options.maxLinesPerSpan ?? 64,
    printIds: options.console === 'ids',
  });
}

export function settingsOf(host: InstrumentationHost): LogsSettings | undefined {
  return byHost.get(host);
}
