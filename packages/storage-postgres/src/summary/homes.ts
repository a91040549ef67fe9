import type { Database } from '../database.ts';
import type { TraceDelta } from './trace-delta.ts';

/**
 * An id's second counts as its trace's home when what comes of the trace starts up to a day before it (a clock that is
 * off) or a week after it (a late job). Of random ids one in 6,000 looks like that too, which does no harm.
 */
const BEFORE_US = 86_400_000_000;
const AFTER_US = 7 * BEFORE_US;
const MAX_KNOWN = 50_000;

/**
 * Where each trace's summary is. Forge's ids begin with their second of creation: that is the home, and nobody needs to
 * be asked. Other ids (and Forge's own, where all that came so far started more than a week later) have a
 * row in forge_trace_homes, inserted once, before the first span; whoever comes second reads it there.
 */
export class Homes {
  readonly #database: Database;
  readonly #isExpired: (unixUs: number) => boolean;
  /** Of traces that have a row; the newest are kept. */
  readonly #known = new Map<string, number>();

  /** @param isExpired whether a time's partition is past its retention */
  constructor(database: Database, isExpired: (unixUs: number) => boolean) {
    this.#database = database;
    this.#isExpired = isExpired;
  }

  /** The home of each trace, Unix microseconds. */
  async of(deltas: ReadonlyMap<string, TraceDelta>): Promise<Map<string, number>> {
    const homes = new Map<string, number>();
    const unknown: string[] = [];
    for (const traceId of deltas.keys()) {
      const known = this.#known.get(traceId);
      if (known !== undefined && !this.#isExpired(known)) homes.set(traceId, known);
      else unknown.push(traceId);
    }
    if (unknown.length > 0) for (const [traceId, home] of await this.#listed(unknown)) homes.set(traceId, home);
    const strangers: TraceDelta[] = [];
    for (const traceId of unknown) {
      if (homes.has(traceId)) continue;
      const delta = deltas.get(traceId)!;
      const second = idSecondUs(traceId);
      const lateUs = second === undefined ? Number.NaN : delta.startUs - second;
      if (lateUs >= -BEFORE_US && lateUs <= AFTER_US && !this.#isExpired(second!)) homes.set(traceId, second!);
      else strangers.push(delta);
    }
    if (strangers.length > 0) for (const [traceId, home] of await this.#settle(strangers)) homes.set(traceId, home);
    return homes;
  }

  async #listed(traceIds: readonly string[]): Promise<[string, number][]> {
    const rows = await this.#database.writer((sql) =>
      sql.query<HomeRow>(this.#database.text(SELECT), [`{${traceIds.join(',')}}`], { prepare: true }),
    );
    return this.#remember(rows);
  }

  /** Gives homes to traces whose ids do not tell; whoever else does so at the same time gets the same ones. */
  async #settle(strangers: readonly TraceDelta[]): Promise<[string, number][]> {
    const entries = strangers.map((delta) => ({
      id: delta.traceId,
      start: delta.startUs,
      second: this.#laterThanId(delta) ?? null,
    }));
    entries.sort((a, b) => (a.id < b.id ? -1 : 1));
    const expired = entries.map(({ id }) => id).filter((id) => this.#known.has(id));
    await this.#database.writer((sql) =>
      sql.query(this.#database.text(SETTLE), [JSON.stringify(entries), `{${expired.join(',')}}`], { prepare: true }),
    );
    const settled = await this.#listed(entries.map(({ id }) => id));
    return settled;
  }

  /** The id's second where the delta may be a late part of a trace that Forge began then. */
  #laterThanId(delta: TraceDelta): number | undefined {
    const second = idSecondUs(delta.traceId);
    return second !== undefined && second <= delta.startUs && !this.#isExpired(second) ? second : undefined;
  }

  #remember(rows: readonly HomeRow[]): [string, number][] {
    const found: [string, number][] = [];
    for (const row of rows) {
      const home = Number(row.home_us);
      this.#known.delete(row.trace_id);
      this.#known.set(row.trace_id, home);
      if (!this.#isExpired(home)) found.push([row.trace_id, home]);
    }
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= MAX_KNOWN) break;
      this.#known.delete(oldest);
    }
    return found;
  }
}

/** The time that a 32-digit id's first 8 digits tell, if it is one. */
export function idSecondUs(traceId: string): number | undefined {
  if (traceId.length !== 32) return undefined;
  const second = Number.parseInt(traceId.slice(0, 8), 16);
  return Number.isNaN(second) ? undefined : second * 1_000_000;
}

interface HomeRow {
  readonly trace_id: string;
  readonly home_us: string;
}

const MICROSECONDS = `(extract(epoch FROM home) * 1000000)::bigint::text`;

const SELECT = `
SELECT trace_id, ${MICROSECONDS} AS home_us FROM :"schema".forge_trace_homes WHERE trace_id = ANY ($1::text::text[])`;

// A trace that already has a summary at its id's second stays there; else it lives where it begins.
const SETTLE = `
INSERT INTO :"schema".forge_trace_homes AS known (trace_id, home)
SELECT entry->>'id', coalesce(
  (SELECT summary.home FROM :"schema".forge_trace_summaries AS summary
   WHERE summary.trace_id = entry->>'id' AND summary.home = timestamptz 'epoch' + (entry->>'second')::bigint * interval '1 microsecond'),
  timestamptz 'epoch' + (entry->>'start')::bigint * interval '1 microsecond')
FROM jsonb_array_elements($1::text::jsonb) AS entry
ORDER BY 1
ON CONFLICT (trace_id) DO UPDATE SET home = excluded.home WHERE known.trace_id = ANY ($2::text::text[])`;
