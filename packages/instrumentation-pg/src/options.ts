import type { InstrumentationHost } from '@forge/instrumentation';

export interface PgOptions {
  /**
   * Appends the trace context to statements as a comment, so that the database's log and pg_stat_activity name the
   * trace. Not to prepared ones (with a `name`): each text would be prepared anew. Off by default.
   */
  readonly sqlcommenter?: boolean;
}

// Explicit wrappers know the running plugin by its host alone.
const byHost = new WeakMap<InstrumentationHost, PgOptions>();

export function setOptions(host: InstrumentationHost, options: PgOptions): void {
  byHost.set(host, options);
}

export function optionsOf(host: InstrumentationHost): PgOptions {
  return byHost.get(host) ?? {};
}
