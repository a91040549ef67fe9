import type { Database } from '../database.ts';
import type { Connection } from '../wire/connection.ts';

/** A day with more spans than this is better cut into hours: what is being written to has few indexes. */
const SPANS_A_DAY = 3_000_000;

/** How wide partitions around now are to be: as configured, or by how much is stored. */
export class UsualWidth {
  readonly #configured: 'hour' | 'day' | 'auto';
  #current: 'hour' | 'day';

  constructor(configured: 'hour' | 'day' | 'auto') {
    this.#configured = configured;
    this.#current = configured === 'hour' ? 'hour' : 'day';
  }

  get current(): 'hour' | 'day' {
    return this.#current;
  }

  /** With `auto`: hours once the last days were large, days again once they were a tenth of that. */
  async measure(database: Database, connection: Connection): Promise<void> {
    if (this.#configured !== 'auto') return;
    const [{ spans }] = await connection.query<{ spans: number }>(LARGEST_DAY, [database.schema]);
    if (spans > SPANS_A_DAY) this.#current = 'hour';
    else if (spans < SPANS_A_DAY / 10) this.#current = 'day';
  }
}

// As the server estimates it; of hours, their sum.
const LARGEST_DAY = `
SELECT coalesce(max(spans), 0)::float8 AS spans
FROM (
  SELECT sum(greatest(c.reltuples, s.n_live_tup)) AS spans
  FROM pg_class AS parent
  JOIN pg_namespace AS n ON n.oid = parent.relnamespace AND n.nspname = $1::text
  JOIN pg_inherits AS part ON part.inhparent = parent.oid
  JOIN pg_class AS c ON c.oid = part.inhrelid
  LEFT JOIN pg_stat_user_tables AS s ON s.relid = c.oid
  WHERE parent.relname = 'forge_traces'
    AND substr(c.relname, 14, 8) >= to_char(now() AT TIME ZONE 'UTC' - interval '2 days', 'YYYYMMDD')
  GROUP BY substr(c.relname, 14, 8)
) AS days`;
