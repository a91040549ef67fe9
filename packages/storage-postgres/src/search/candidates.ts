import type { TracePosition, TraceQuery, TraceSort } from '@forge/storage';
import type { Database } from '../database.ts';
import { queryShapeFact, queryTagFacts, TOO_MANY_TAGS } from '../summary/facts.ts';
import { REACH_US } from '../summary/summary-writer.ts';
import { Bindings, microsecondsOf } from './bindings.ts';
import { keptCondition } from './kept.ts';

/** A trace that may match, by its summary alone. */
export interface Candidate extends TracePosition {
  readonly homeUs: number;
  readonly startUs: number;
  readonly endUs: number;
  readonly longestSpanUs: number;
}

/** A range of traces' starts to look through, and the end that they must reach; Unix microseconds. */
export interface Scope {
  readonly fromUs: number | undefined;
  readonly toUs: number | undefined;
  /** Only traces that had not ended by then. */
  readonly endsAfterUs: number | undefined;
}

const KEY: Readonly<Record<TraceSort, string>> = {
  newest: 's.start_time',
  longest: 's.duration_us',
  longest_span: 's.longest_span_us',
  most_errors: 's.error_count',
  most_spans: 's.span_count',
};

/**
 * Reads candidates of one scope in the query's order, piece by piece.
 *
 * Most traces lie within 10 minutes around their home, so the range of homes to read follows from the scope, and
 * partitions outside of it are not even planned for. The others are listed in forge_wide_traces and come from there.
 *
 *     homes      |-----------[ fromUs - 10 min ......... toUs + 10 min )-------------|
 *     wide                 *                     (left out: read anyway)     *
 */
export class CandidateReader {
  readonly #database: Database;
  readonly #query: TraceQuery;
  readonly #scope: Scope;
  readonly #lowHomeUs: number | undefined;
  readonly #highHomeUs: number | undefined;
  #wide: readonly WideRow[] | undefined;

  constructor(database: Database, query: TraceQuery, scope: Scope) {
    this.#database = database;
    this.#query = query;
    this.#scope = scope;
    const low = Math.max(scope.fromUs ?? Number.NEGATIVE_INFINITY, scope.endsAfterUs ?? Number.NEGATIVE_INFINITY);
    this.#lowHomeUs = Number.isFinite(low) ? Math.max(0, low - REACH_US) : undefined;
    this.#highHomeUs = scope.toUs === undefined ? undefined : scope.toUs + REACH_US;
  }

  /** The next `limit` candidates after a position; fewer only when there are no more. */
  async after(position: TracePosition | undefined, limit: number): Promise<Candidate[]> {
    this.#wide ??= await this.#readWide();
    const near = await this.#read(position, limit, undefined);
    if (this.#wide.length === 0) return near;
    const far = await this.#read(position, limit, this.#wide);
    return [...near, ...far].sort(byPosition).slice(0, limit);
  }

  async #read(
    position: TracePosition | undefined,
    limit: number,
    wide: readonly WideRow[] | undefined,
  ): Promise<Candidate[]> {
    const bind = new Bindings();
    const key = KEY[this.#query.sort];
    const conditions = [...this.#places(bind, wide), ...this.#filters(bind)];
    if (position !== undefined) {
      const at = this.#query.sort === 'newest' ? bind.time(position.key) : bind.add(position.key, 'bigint');
      // The first condition alone is what an index on the key can use.
      conditions.push(`${key} <= ${at}`, `(${key}, s.trace_id) < (${at}, ${bind.add(position.traceId)})`);
    }
    const statement = `
SELECT s.trace_id, ${microsecondsOf('s.home')} AS home_us, ${microsecondsOf('s.start_time')} AS start_us,
  ${microsecondsOf('s.end_time')} AS end_us, s.longest_span_us::text AS longest_us, s.span_count, s.error_count
FROM :"schema".forge_trace_summaries AS s
${conditions.length === 0 ? '' : `WHERE ${conditions.join('\n  AND ')}`}
ORDER BY ${key} DESC, s.trace_id DESC
LIMIT ${limit}`;
    const rows = await this.#database.reader((sql) =>
      sql.query<CandidateRow>(this.#database.text(statement), bind.values),
    );
    return rows.map((row) => candidateOf(row, this.#query.sort));
  }

  #places(bind: Bindings, wide: readonly WideRow[] | undefined): string[] {
    const { fromUs, toUs, endsAfterUs } = this.#scope;
    const conditions: string[] = [];
    if (wide === undefined) {
      if (this.#lowHomeUs !== undefined) conditions.push(`s.home >= ${bind.time(this.#lowHomeUs)}`);
      if (this.#highHomeUs !== undefined) conditions.push(`s.home < ${bind.time(this.#highHomeUs)}`);
    } else {
      const homes = wide.map((row) => Number(row.home_us));
      conditions.push(
        `s.trace_id = ANY (${bind.texts(wide.map((row) => row.trace_id))})`,
        `s.home >= ${bind.time(homes.reduce((a, b) => Math.min(a, b)))}`,
        `s.home <= ${bind.time(homes.reduce((a, b) => Math.max(a, b)))}`,
      );
    }
    if (fromUs !== undefined) conditions.push(`s.start_time >= ${bind.time(fromUs)}`);
    if (toUs !== undefined) conditions.push(`s.start_time < ${bind.time(toUs)}`);
    if (endsAfterUs !== undefined && endsAfterUs !== fromUs) conditions.push(`s.end_time >= ${bind.time(endsAfterUs)}`);
    return conditions;
  }

  /** What a matching trace's summary must say; true of some others too. */
  #filters(bind: Bindings): string[] {
    const query = this.#query;
    const conditions: string[] = [];
    const shape = queryShapeFact(query);
    if (shape !== undefined) conditions.push(`s.facts @> ${bind.add(`{${shape}}`, 'integer[]')}`);
    const tags = queryTagFacts(query);
    if (tags.length > 0) {
      conditions.push(
        `(s.facts @> ${bind.add(`{${tags.join(',')}}`, 'integer[]')} OR s.facts @> '{${TOO_MANY_TAGS}}')`,
      );
    }
    if (query.minDurationUs !== undefined)
      conditions.push(`s.longest_span_us >= ${bind.add(query.minDurationUs, 'bigint')}`);
    if (query.status === 'ok') conditions.push('s.error_count < s.span_count');
    if (query.kept !== undefined) conditions.push(keptCondition(query.kept, bind));
    return conditions;
  }

  /** The wide traces of the scope whose homes are out of its range: as a rule none. */
  async #readWide(): Promise<WideRow[]> {
    if (this.#lowHomeUs === undefined && this.#highHomeUs === undefined) return [];
    const { fromUs, toUs, endsAfterUs } = this.#scope;
    const bind = new Bindings();
    const conditions: string[] = [];
    if (fromUs !== undefined) conditions.push(`start_time >= ${bind.time(fromUs)}`);
    if (toUs !== undefined) conditions.push(`start_time < ${bind.time(toUs)}`);
    const low = endsAfterUs ?? fromUs;
    if (low !== undefined) conditions.push(`end_time >= ${bind.time(low)}`);
    const outside: string[] = [];
    if (this.#lowHomeUs !== undefined) outside.push(`home < ${bind.time(this.#lowHomeUs)}`);
    if (this.#highHomeUs !== undefined) outside.push(`home >= ${bind.time(this.#highHomeUs)}`);
    const statement = `SELECT trace_id, ${microsecondsOf('home')} AS home_us FROM :"schema".forge_wide_traces
WHERE ${[...conditions, `(${outside.join(' OR ')})`].join(' AND ')}`;
    return this.#database.reader((sql) => sql.query<WideRow>(this.#database.text(statement), bind.values));
  }
}

interface WideRow {
  readonly trace_id: string;
  readonly home_us: string;
}

interface CandidateRow {
  readonly trace_id: string;
  readonly home_us: string;
  readonly start_us: string;
  readonly end_us: string;
  readonly longest_us: string;
  readonly span_count: number;
  readonly error_count: number;
}

function candidateOf(row: CandidateRow, sort: TraceSort): Candidate {
  const startUs = Number(row.start_us);
  const endUs = Number(row.end_us);
  const longestSpanUs = Number(row.longest_us);
  const keys: Record<TraceSort, number> = {
    newest: startUs,
    longest: endUs - startUs,
    longest_span: longestSpanUs,
    most_errors: row.error_count,
    most_spans: row.span_count,
  };
  return { key: keys[sort], traceId: row.trace_id, homeUs: Number(row.home_us), startUs, endUs, longestSpanUs };
}

function byPosition(a: TracePosition, b: TracePosition): number {
  return b.key - a.key || (a.traceId > b.traceId ? -1 : 1);
}
