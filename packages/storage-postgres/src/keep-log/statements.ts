// Each statement is one round trip, and safe to send again.

/** $1..$4: trace ids, reasons, node ids, weights. A keep in the shadow of a node's death gets its gap at once. */
export const APPEND = `
WITH added AS (
    INSERT INTO :"schema".forge_trace_keeps (trace_id, reason, node_id, weight)
    SELECT * FROM unnest($1::text[], $2::text[], $3::uuid[], $4::real[])
    ON CONFLICT DO NOTHING
    RETURNING trace_id, reason
)
INSERT INTO :"schema".forge_trace_gaps (trace_id, node_id, reason)
SELECT DISTINCT added.trace_id, death.node_id, 'node_died'
FROM added JOIN :"schema".forge_node_deaths death
    ON death.to_time > now() - interval '10 s'
    OR EXISTS (SELECT 1 FROM :"schema".forge_trace_keeps before
               WHERE before.trace_id = added.trace_id AND before.kept_at BETWEEN death.from_time AND death.to_time)
WHERE added.reason <> 'park'
ON CONFLICT DO NOTHING`;

/** $1: the first transaction that the last poll's snapshot did not see; $2: those that were running then. */
export const POLL = `
SELECT now_seen.snapshot, k.trace_id, k.reason
FROM (SELECT pg_current_snapshot()::text AS snapshot) now_seen
LEFT JOIN :"schema".forge_trace_keeps k ON k.xid >= $1::text::xid8 OR k.xid = ANY ($2::text[]::xid8[])`;

/** What a node that begins reads: those of its peers' running requests. */
export const POLL_FIRST = `
SELECT now_seen.snapshot, k.trace_id, k.reason
FROM (SELECT pg_current_snapshot()::text AS snapshot) now_seen
LEFT JOIN :"schema".forge_trace_keeps k ON k.kept_at > now() - interval '2 min'`;

/** $1: node id, $2: service, $3: triggers a second. */
export const BEAT = `
INSERT INTO :"schema".forge_nodes AS n (node_id, service_name, attributes, triggers_per_second)
VALUES ($1::uuid, $2::text, '{}', $3::real)
ON CONFLICT (node_id) DO UPDATE
SET heartbeat_at = clock_timestamp(), ended_at = NULL, triggers_per_second = EXCLUDED.triggers_per_second`;

export const NODES = `
SELECT node_id, service_name, triggers_per_second,
    (EXTRACT(epoch FROM clock_timestamp() - heartbeat_at) * 1000)::float8 AS silent_ms
FROM :"schema".forge_nodes WHERE ended_at IS NULL`;

export const LEAVE = `UPDATE :"schema".forge_nodes SET ended_at = now() WHERE node_id = $1::uuid`;

/** $1: node id, $2: its silence at least, $3: what it may have held, ms. Who comes second finds nothing to do. */
export const BURY = `
WITH dead AS (
    UPDATE :"schema".forge_nodes SET ended_at = now()
    WHERE node_id = $1::uuid AND ended_at IS NULL
        AND heartbeat_at < now() - $2::float8 * interval '0.8 ms'
    RETURNING node_id, heartbeat_at - $3::float8 * interval '1 ms' AS from_time
), noted AS (
    INSERT INTO :"schema".forge_node_deaths (node_id, from_time, to_time)
    SELECT node_id, from_time, now() FROM dead
    RETURNING node_id, from_time, to_time
), shadowed AS (
    SELECT k.trace_id, noted.node_id FROM noted
    JOIN :"schema".forge_trace_keeps k ON k.kept_at >= noted.from_time AND k.reason <> 'park'
    UNION
    SELECT t.trace_id, noted.node_id FROM noted
    JOIN :"schema".forge_traces t ON t.start_time BETWEEN noted.from_time AND noted.to_time
)
INSERT INTO :"schema".forge_trace_gaps (trace_id, node_id, reason)
SELECT trace_id, node_id, 'node_died' FROM shadowed
ON CONFLICT DO NOTHING`;

/** $1..$3: trace ids, node ids, reasons. */
export const GAP = `
INSERT INTO :"schema".forge_trace_gaps (trace_id, node_id, reason)
SELECT * FROM unnest($1::text[], $2::uuid[], $3::text[]) ON CONFLICT DO NOTHING`;

/** $1..$3: trace ids, node ids, gzipped spans. The gap is what remains if the place is lost. */
export const PARK = `
WITH parked AS (
    INSERT INTO :"schema".forge_parked_spans (trace_id, node_id, spans)
    SELECT * FROM unnest($1::text[], $2::uuid[], $3::bytea[])
    RETURNING trace_id, node_id
)
INSERT INTO :"schema".forge_trace_gaps (trace_id, node_id, reason)
SELECT DISTINCT trace_id, node_id, 'parked' FROM parked ON CONFLICT DO NOTHING`;

const claim = (keeps: string): string => `
UPDATE :"schema".forge_parked_spans SET lent_until = now() + interval '30 s'
WHERE id IN (
    SELECT p.id FROM :"schema".forge_trace_keeps k JOIN :"schema".forge_parked_spans p USING (trace_id)
    WHERE k.reason <> 'park' ${keeps} AND (p.lent_until IS NULL OR p.lent_until < now())
    LIMIT $1::int FOR UPDATE OF p SKIP LOCKED
)
RETURNING id, trace_id, node_id, spans`;

/** Those of traces that were kept of late: the usual case, by an index. $1: how many */
export const CLAIM_RECENT = claim(`AND k.kept_at > now() - interval '5 min'`);
/** All that are left over, whatever went wrong. */
export const CLAIM_ALL = claim('');

/** $1: ids. The gap goes with the last of a node's spans. */
export const SETTLE = `
WITH gone AS (
    DELETE FROM :"schema".forge_parked_spans WHERE id = ANY ($1::bigint[]) RETURNING id, trace_id, node_id
)
DELETE FROM :"schema".forge_trace_gaps g USING gone
WHERE g.trace_id = gone.trace_id AND g.node_id = gone.node_id AND g.reason = 'parked'
    AND NOT EXISTS (SELECT 1 FROM :"schema".forge_parked_spans p
                    WHERE p.trace_id = g.trace_id AND p.node_id = g.node_id AND p.id <> ALL ($1::bigint[]))`;

/** $1: age in ms. The gaps stay: should the trace be kept after all, they say what is missing. */
export const EXPIRE_PARKED = `
DELETE FROM :"schema".forge_parked_spans p WHERE p.parked_at < now() - $1::float8 * interval '1 ms'
    AND NOT EXISTS (SELECT 1 FROM :"schema".forge_trace_keeps k WHERE k.trace_id = p.trace_id AND k.reason <> 'park')`;

/** $1: retention in ms: what spoke of spans that are gone. */
export const EXPIRE_KEEPS = `DELETE FROM :"schema".forge_trace_keeps WHERE kept_at < now() - $1::float8 * interval '1 ms'`;
export const EXPIRE_GAPS = `DELETE FROM :"schema".forge_trace_gaps WHERE noted_at < now() - $1::float8 * interval '1 ms'`;
export const EXPIRE_TRAFFIC = `DELETE FROM :"schema".forge_traffic_1m WHERE minute < now() - $1::float8 * interval '1 ms'`;

/**
 * Rows as JSON, histograms as hex. A node's later count of a minute replaces its earlier one, and the sums over more
 * minutes have to be made anew. In the order of the key, so that no two statements wait for each other in a ring.
 */
export const TRAFFIC = `
WITH given AS (
    SELECT to_timestamp(minute / 1000.0) AS minute, left(service, 100) AS service, left(name, 255) AS name,
        left(resource, 255) AS resource, kind, status, part, count, sum_us, max_us, decode(histogram, 'hex') AS histogram
    FROM jsonb_to_recordset($1::text::jsonb) AS r (minute float8, service text, name text, resource text, kind smallint,
        status text, part int, count bigint, sum_us bigint, max_us bigint, histogram text)
), touched AS (
    INSERT INTO :"schema".forge_touched_minutes (what, minute, writer)
    SELECT DISTINCT 'traffic', minute, $2::uuid FROM given
    ON CONFLICT (what, minute, writer) DO UPDATE SET minute = EXCLUDED.minute
)
INSERT INTO :"schema".forge_traffic_1m
    (minute, service_name, operation_name, resource, kind, status, node_id, part, count, sum_us, max_us, histogram)
SELECT minute, service, name, resource, kind, status, $2::uuid, part, count, sum_us, max_us, histogram FROM given
ORDER BY minute, service, name, resource, kind, status, part
ON CONFLICT (minute, service_name, operation_name, resource, kind, status, node_id, part) DO UPDATE
SET count = EXCLUDED.count, sum_us = EXCLUDED.sum_us, max_us = EXCLUDED.max_us, histogram = EXCLUDED.histogram`;

/** $1: trace ids. Why each is kept, the first reason of all, and its gaps. */
export const FATES = `
SELECT ids.trace_id,
    (SELECT k.reason FROM :"schema".forge_trace_keeps k WHERE k.trace_id = ids.trace_id AND k.reason <> 'park'
     ORDER BY k.kept_at LIMIT 1) AS kept,
    (SELECT jsonb_agg(jsonb_build_object('nodeId', g.node_id, 'reason', g.reason,
                                         'atUnixUs', (EXTRACT(epoch FROM g.noted_at) * 1000000)::bigint) ORDER BY g.noted_at)
     FROM :"schema".forge_trace_gaps g WHERE g.trace_id = ids.trace_id) AS gaps
FROM unnest($1::text[]) AS ids (trace_id)`;
