-- Why traces are kept whole: what nodes tell each other. Rows are only ever added; they live as long as the spans.
CREATE TABLE :"schema".forge_trace_keeps (
    trace_id VARCHAR(32) COLLATE "C" NOT NULL,
    -- error, slow, forced, job, peer; park: not kept, but its spans are put aside for a job that it dispatched.
    reason VARCHAR(20) NOT NULL,
    node_id UUID NOT NULL,
    -- How many triggered traces it stands for: more than 1 where a storm was cut.
    weight REAL NOT NULL DEFAULT 1,
    kept_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    -- The transaction that wrote it: pollers ask for those that their last snapshot did not see. A sequence would not do:
    -- its numbers commit in any order.
    xid XID8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (trace_id, reason)
);
-- For the pollers, twice a second and node.
CREATE INDEX forge_trace_keeps_xid ON :"schema".forge_trace_keeps (xid);
-- For promotion, the traces around a node's death, and retention.
CREATE INDEX forge_trace_keeps_kept_at ON :"schema".forge_trace_keeps (kept_at);

-- What a kept trace is known to lack.
CREATE TABLE :"schema".forge_trace_gaps (
    trace_id VARCHAR(32) COLLATE "C" NOT NULL,
    -- Whose spans are missing.
    node_id UUID NOT NULL,
    -- late, lost, late_trigger, node_died; parked: put aside and not brought back (yet).
    reason VARCHAR(20) NOT NULL,
    noted_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (trace_id, node_id, reason)
);

-- Spans of undecided traces whose job runs later, gzipped JSON. UNLOGGED: what a crash of the server takes was undecided,
-- and its gap in forge_trace_gaps stays.
CREATE UNLOGGED TABLE :"schema".forge_parked_spans (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    trace_id VARCHAR(32) COLLATE "C" NOT NULL,
    node_id UUID NOT NULL,
    spans BYTEA NOT NULL,
    parked_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    -- Until then one node is bringing it to the store.
    lent_until TIMESTAMPTZ
);
CREATE INDEX forge_parked_spans_trace ON :"schema".forge_parked_spans (trace_id);
CREATE INDEX forge_parked_spans_parked_at ON :"schema".forge_parked_spans USING brin (parked_at);

-- When nodes died: whatever they held or had not delivered then is missing.
CREATE TABLE :"schema".forge_node_deaths (
    node_id UUID NOT NULL,
    -- By the database's clock: the oldest that it may have held, and when its death was noticed.
    from_time TIMESTAMPTZ NOT NULL,
    to_time TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (node_id, to_time)
);
CREATE INDEX forge_node_deaths_to_time ON :"schema".forge_node_deaths (to_time);

-- Triggered traces a second of late: summed up over all nodes they tell a storm.
ALTER TABLE :"schema".forge_nodes ADD COLUMN triggers_per_second REAL NOT NULL DEFAULT 0;

-- All traffic, sampled or not: exact. A node replaces its own row of the running minute every few seconds.
CREATE TABLE :"schema".forge_traffic_1m (
    minute TIMESTAMPTZ NOT NULL,
    service_name VARCHAR(100) NOT NULL,
    operation_name VARCHAR(255) NOT NULL,
    resource VARCHAR(255) NOT NULL,
    kind SMALLINT NOT NULL,
    status VARCHAR(20) NOT NULL,
    node_id UUID NOT NULL,
    -- A node that comes back to a minute after it had closed it writes another part.
    part INTEGER NOT NULL,
    count BIGINT NOT NULL,
    sum_us BIGINT NOT NULL,
    max_us BIGINT NOT NULL,
    -- Log-linear buckets, 16 to a doubling, as (skipped, count) varints; merged by adding.
    histogram BYTEA NOT NULL,
    PRIMARY KEY (minute, service_name, operation_name, resource, kind, status, node_id, part)
);

-- Counts without bias from the stored spans: a span of a triggered trace stands for itself (or for those that a storm
-- cut), any other for all that its head decision left out.
CREATE VIEW :"schema".forge_weighted_traces AS
SELECT t.*,
    COALESCE((SELECT max(k.weight) FROM :"schema".forge_trace_keeps k
              WHERE k.trace_id = t.trace_id AND k.reason <> 'park'), t.weight) AS true_weight
FROM :"schema".forge_traces t;
