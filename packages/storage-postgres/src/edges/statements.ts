import type { Bindings } from '../search/bindings.ts';

const HOUR_US = 3_600_000_000;

/**
 * Edges of the spans that started from one time to another (exclusive): a span whose stored parent is of another service.
 * Parents are looked for within an hour around, in which nearly all are; those of traces that reach further (jobs that
 * ran late), which are listed, everywhere else too.
 */
export function edgesOf(fromUs: number, toUs: number, bind: Bindings): string {
  const from = bind.time(fromUs);
  const to = bind.time(toUs);
  const low = bind.time(Math.max(0, fromUs - HOUR_US));
  const high = bind.time(toUs + HOUR_US);
  const columns = `date_trunc('minute', child.start_time, 'UTC') AS minute, parent.service_name AS parent_service,
    child.service_name AS child_service, child.weight, child.status, child.duration_us`;
  const children = `child.start_time >= ${from} AND child.start_time < ${to} AND child.parent_span_id IS NOT NULL`;
  const related = `parent.trace_id = child.trace_id AND parent.span_id = child.parent_span_id
    AND parent.service_name <> child.service_name`;
  return `
SELECT minute, parent_service, child_service, sum(calls) AS count, coalesce(sum(calls) FILTER (WHERE status = 'error'), 0) AS error_count,
  sum(calls * duration_us) AS sum_us, max(duration_us) AS max_us
FROM (
  SELECT minute, parent_service, child_service, status, duration_us, greatest(1, floor(weight + 0.5))::bigint AS calls
  FROM (
    SELECT ${columns}
    FROM :"schema".forge_traces AS child
    JOIN :"schema".forge_traces AS parent ON ${related} AND parent.start_time >= ${low} AND parent.start_time < ${high}
    WHERE ${children}
    UNION ALL
    SELECT ${columns}
    FROM :"schema".forge_wide_traces AS wide
    JOIN :"schema".forge_traces AS child ON child.trace_id = wide.trace_id
    JOIN :"schema".forge_traces AS parent ON ${related} AND parent.start_time >= wide.start_time AND parent.start_time <= wide.end_time
    WHERE ${children} AND wide.end_time >= ${from} AND wide.start_time < ${to}
      AND NOT (parent.start_time >= ${low} AND parent.start_time < ${high})
  ) AS call
) AS counted
GROUP BY minute, parent_service, child_service`;
}
