import { Status } from '@forge/core';
import type { Database } from '../database.ts';
import type { Alterations } from '../encode/json.ts';
import { stringJson } from '../encode/json.ts';
import type { RowBuffer } from '../encode/row-buffer.ts';
import { varchar } from '../encode/span-row.ts';
import type { Connection } from '../wire/connection.ts';
import { inOrder } from '../wire/in-order.ts';
import type { TraceDelta } from './trace-delta.ts';

/** How far a trace may reach from its home without being listed in forge_wide_traces. */
export const REACH_US = 600_000_000;

/** The upkeep makes the edges of a minute once it has been over for longer than this. */
const LATE_MS = 90_000;

const UNCOUNTED: Alterations = { cleaned: 0, cut: 0, clamped: 0 };

/** Makes the table that `mergeDeltas` passes its rows through: once a session, outside of any transaction. */
export async function prepareSession(connection: Connection): Promise<void> {
  if (prepared.has(connection)) return;
  await connection.run(CREATE_DELTAS);
  prepared.add(connection);
}

const prepared = new WeakSet<Connection>();

/**
 * Merges a batch's deltas into the summaries, within the transaction of its spans. It locks the rows of its traces until
 * the commit, so it comes last, and in the order of ids: writers that meet wait for each other and never in a ring.
 *
 * @param homes the home of each trace, Unix microseconds
 * @param writerId under which minutes are touched
 */
export async function mergeDeltas(
  tx: Connection,
  database: Database,
  deltas: Iterable<TraceDelta>,
  homes: ReadonlyMap<string, number>,
  rows: RowBuffer,
  writerId: string,
): Promise<void> {
  const sorted = [...deltas].sort((a, b) => (a.traceId < b.traceId ? -1 : 1));
  if (sorted.length === 0) return;
  const copy = tx.copyIn(COPY_DELTAS);
  const lateUs = (Date.now() - LATE_MS) * 1000;
  let wide = false;
  let late = false;
  rows.start();
  for (const delta of sorted) {
    const home = homes.get(delta.traceId)!;
    wide ||= delta.startUs < home - REACH_US || delta.endUs > home + REACH_US;
    late ||= delta.startUs < lateUs;
    encodeDelta(rows, delta, home);
  }
  rows.end();
  await copy.write(rows.bytes());
  // All that follows is sent at once; what fails first fails the rest.
  await inOrder([
    copy.end(),
    tx.query(database.text(MERGE_DELTAS), [], { prepare: true }),
    ...(wide ? [tx.query(database.text(MERGE_WIDE))] : []),
    ...(late ? [tx.query(database.text(TOUCH_LATE), [writerId])] : []),
  ]);
}

function encodeDelta(rows: RowBuffer, delta: TraceDelta, home: number): void {
  const { first } = delta;
  rows.row(15);
  rows.text(delta.traceId);
  rows.time(home);
  rows.time(delta.startUs);
  rows.time(delta.endUs);
  rows.int32(delta.spans);
  rows.int32(delta.errors);
  rows.int64(delta.longestUs);
  rows.jsonb(servicesJson(delta.services));
  rows.text(first.spanId);
  if (first.parentSpanId === undefined) rows.null();
  else rows.text(first.parentSpanId);
  rows.text(varchar(first.name, 255, UNCOUNTED));
  rows.text(varchar(first.resource, 255, UNCOUNTED));
  rows.text(varchar(first.origin.serviceName, 100, UNCOUNTED));
  rows.text(first.status === Status.error ? 'error' : 'ok');
  rows.int32Array(delta.facts, delta.facts.size);
}

function servicesJson(services: TraceDelta['services']): string {
  let json = '';
  for (const [name, [spans, errors]] of services) {
    json += `${json === '' ? '{' : ','}${stringJson(name, UNCOUNTED)}:[${spans},${errors}]`;
  }
  return `${json}}`;
}

const CREATE_DELTAS = `
CREATE TEMPORARY TABLE IF NOT EXISTS forge_deltas (
  trace_id TEXT COLLATE "C", home TIMESTAMPTZ, start_time TIMESTAMPTZ, end_time TIMESTAMPTZ,
  span_count INTEGER, error_count INTEGER, longest_span_us BIGINT, services JSONB,
  first_span_id TEXT COLLATE "C", first_parent_span_id TEXT COLLATE "C",
  operation_name TEXT, resource TEXT, service_name TEXT, status TEXT, facts INTEGER[]
) ON COMMIT DELETE ROWS`;

const COPY_DELTAS = 'COPY pg_temp.forge_deltas FROM STDIN (FORMAT binary)';

const duration = (start: string, end: string) => `(extract(epoch FROM ${end} - ${start}) * 1000000)::bigint`;
const START = 'least(known.start_time, excluded.start_time)';
const END = 'greatest(known.end_time, excluded.end_time)';
// By start; then those without a parent; then by id: the order that `summarize` of @forge/storage has.
const EARLIER = `(excluded.start_time, excluded.first_parent_span_id IS NOT NULL, excluded.first_span_id)
    < (known.start_time, known.first_parent_span_id IS NOT NULL, known.first_span_id)`;
const ofFirst = (column: string) => `${column} = CASE WHEN ${EARLIER} THEN excluded.${column} ELSE known.${column} END`;

// Sums and extremes: whatever the order in which batches come, the row is the same.
const MERGE_DELTAS = `
INSERT INTO :"schema".forge_trace_summaries AS known (
  trace_id, home, start_time, end_time, duration_us, span_count, error_count, longest_span_us, services,
  first_span_id, first_parent_span_id, operation_name, resource, service_name, status, facts)
SELECT trace_id, home, start_time, end_time, ${duration('start_time', 'end_time')}, span_count, error_count,
  longest_span_us, services, first_span_id, first_parent_span_id, operation_name, resource, service_name, status, facts
FROM pg_temp.forge_deltas
ORDER BY trace_id
ON CONFLICT (trace_id, home) DO UPDATE SET
  start_time = ${START},
  end_time = ${END},
  duration_us = ${duration(START, END)},
  span_count = known.span_count + excluded.span_count,
  error_count = known.error_count + excluded.error_count,
  longest_span_us = greatest(known.longest_span_us, excluded.longest_span_us),
  services = CASE
    WHEN known.services ?| ARRAY (SELECT jsonb_object_keys(excluded.services)) THEN (
      SELECT jsonb_object_agg(name, jsonb_build_array(spans, errors))
      FROM (
        SELECT name, sum((counts->>0)::integer) AS spans, sum((counts->>1)::integer) AS errors
        FROM (
          SELECT * FROM jsonb_each(known.services) UNION ALL SELECT * FROM jsonb_each(excluded.services)
        ) AS both_sides (name, counts)
        GROUP BY name
      ) AS summed)
    ELSE known.services || excluded.services
  END,
  ${['first_span_id', 'first_parent_span_id', 'operation_name', 'resource', 'service_name', 'status'].map(ofFirst).join(',\n  ')},
  facts = CASE
    WHEN known.facts @> excluded.facts THEN known.facts
    WHEN cardinality(known.facts) + cardinality(excluded.facts) <= 4000 THEN
      ARRAY (SELECT DISTINCT fact FROM unnest(known.facts || excluded.facts) AS fact)
    ELSE ARRAY (SELECT DISTINCT fact FROM unnest(known.facts || excluded.facts || 0) AS fact WHERE fact <= 0)
  END`;

const MERGE_WIDE = `
INSERT INTO :"schema".forge_wide_traces AS known (trace_id, home, start_time, end_time)
SELECT trace_id, home, start_time, end_time
FROM pg_temp.forge_deltas
WHERE start_time < home - interval '${REACH_US} microseconds' OR end_time > home + interval '${REACH_US} microseconds'
ORDER BY trace_id
ON CONFLICT (trace_id) DO UPDATE SET
  home = excluded.home,
  start_time = ${START},
  end_time = ${END}`;

// A span that comes so late may be the parent of others whose minutes are done: those are to be done again.
const TOUCH_LATE = `
INSERT INTO :"schema".forge_touched_minutes (what, minute, writer)
SELECT DISTINCT 'spans', date_trunc('minute', span.start_time, 'UTC'), $1::text::uuid
FROM pg_temp.forge_deltas AS delta
JOIN :"schema".forge_trace_summaries AS summary ON summary.trace_id = delta.trace_id AND summary.home = delta.home
JOIN :"schema".forge_traces AS span ON span.trace_id = delta.trace_id
  AND span.start_time >= summary.start_time AND span.start_time <= summary.end_time
WHERE summary.span_count > delta.span_count
ORDER BY 1, 2
ON CONFLICT (what, minute, writer) DO UPDATE SET minute = excluded.minute`;
