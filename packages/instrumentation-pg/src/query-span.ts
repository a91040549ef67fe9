import { contextWithSpan, Kind, type Span } from '@forge/core';
import type { InstrumentationHost } from '@forge/instrumentation';
import { describeSql, sqlComment, sqlErrorCode } from '@forge/instrumentation/sql';
import type { Context } from '@opentelemetry/api';

/** The span of one query, from its call to its answer. No method throws: a fault disables the plugin. */
export class QuerySpan {
  readonly #host: InstrumentationHost;
  readonly #span: Span;
  #ended = false;

  /** Undefined where nothing is recorded. */
  static start(host: InstrumentationHost, context: Context): QuerySpan | undefined {
    try {
      const span = host.tracer.start('db.query', Kind.client, context);
      if (span.isRecording()) return new QuerySpan(host, span);
      span.end();
    } catch (fault) {
      host.fail('query', fault);
    }
    return undefined;
  }

  private constructor(host: InstrumentationHost, span: Span) {
    this.#host = host;
    this.#span = span;
  }

  describe(text: unknown, database: string | undefined): void {
    this.#guard(() => {
      if (typeof text === 'string') {
        const { operation, table, query, resource } = describeSql(text);
        if (resource !== '') this.#span.setResource(resource);
        this.#span.set('operation', operation).set('table', table).set('query', query);
      }
      this.#span.set('database', database);
    });
  }

  /** The comment that names this span's trace to the database; empty where there is none. */
  comment(context: Context): string {
    let comment = '';
    this.#guard(() => {
      comment = sqlComment(this.#host.propagation, contextWithSpan(context, this.#span));
    });
    return comment;
  }

  /** It has got its connection now, after `waitedMs` or the time since its start. */
  waited(waitedMs?: number): void {
    this.#guard(() => this.#span.set('pool_wait_ms', Math.round((waitedMs ?? this.#span.elapsedMs) * 1000) / 1000));
  }

  succeed(rows: number | undefined): void {
    this.#end(() => this.#span.set('rows', rows));
  }

  fail(error: unknown, rows?: number): void {
    this.#end(() => this.#span.fail(error).set('db.error_code', sqlErrorCode(error)).set('rows', rows));
  }

  #end(outcome: () => void): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#guard(outcome);
    this.#guard(() => this.#span.end());
  }

  #guard(act: () => void): void {
    try {
      act();
    } catch (fault) {
      this.#host.fail('query', fault);
    }
  }
}

/** Rows read or changed, of several statements all together; undefined where a result has no such number. */
export function rowsOf(result: unknown): number | undefined {
  if (!Array.isArray(result)) {
    const count: unknown = (result as { rowCount?: unknown } | null | undefined)?.rowCount;
    return typeof count === 'number' ? count : undefined;
  }
  let sum: number | undefined;
  for (const one of result) {
    const rows = rowsOf(one);
    if (rows !== undefined) sum = (sum ?? 0) + rows;
  }
  return sum;
}
