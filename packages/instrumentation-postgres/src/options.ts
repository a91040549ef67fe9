import type { InstrumentationHost } from '@forge/instrumentation';

export interface PostgresOptions {
  /**
   * Appends the trace context to statements as a comment, so that the database's log and pg_stat_activity name the
   * trace. Only to statements that are not prepared: `sql.unsafe`, or clients with `prepare: false`. Off by default.
   */
  readonly sqlcommenter?: boolean;
}

// Explicit wrappers know the running plugin by its host alone.
const byHost = new WeakMap<InstrumentationHost, PostgresOptions>();

export function setOptions(host: InstrumentationHost, options: PostgresOptions): void {
  byHost.set(host, options);
}

export function optionsOf(host: InstrumentationHost): PostgresOptions {
  return byHost.get(host) ?? {};
}
