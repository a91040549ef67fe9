-- Spans, one row each, partitioned by start. Users write SQL on this table: columns may be added, none may go.
CREATE TABLE :"schema".forge_traces (
    trace_id VARCHAR(32) COLLATE "C" NOT NULL,
    span_id VARCHAR(16) COLLATE "C" NOT NULL,
    parent_span_id VARCHAR(16) COLLATE "C",

    operation_name VARCHAR(255) NOT NULL,
    service_name VARCHAR(100) NOT NULL,
    node_id UUID,

    start_time TIMESTAMPTZ NOT NULL,
    duration_ms INTEGER NOT NULL,

    status VARCHAR(20),  -- ok, error
    status_message TEXT,

    tags JSONB DEFAULT '{}',
    logs JSONB DEFAULT '[]',

    resource VARCHAR(255) NOT NULL,
    duration_us BIGINT NOT NULL,
    -- OpenTelemetry's span kind: 0 internal, 1 server, 2 client, 3 producer, 4 consumer.
    kind SMALLINT NOT NULL DEFAULT 0,
    -- How many spans of all traffic this one stands for.
    weight REAL NOT NULL DEFAULT 1,
    -- What forge_origins knows of the process and the library that made the span.
    origin_id BIGINT,
    links JSONB,
    trace_state TEXT,
    -- What few spans have: flags other than 3, an explicit OK status, counts of what was dropped. NULL for the others.
    extra JSONB,

    -- Leads with the trace: finds one, and refuses a span that is already there.
    PRIMARY KEY (trace_id, span_id, start_time)
) PARTITION BY RANGE (start_time);

-- A few kilobytes a partition; makes any short range of time quick, at next to no cost for the writer.
CREATE INDEX forge_traces_start_brin ON :"schema".forge_traces USING brin (start_time) WITH (pages_per_range = 32);

-- Errors, newest first. Partial: spans without an error, nearly all, do not pay for it.
CREATE INDEX forge_traces_errors ON :"schema".forge_traces (start_time)
    INCLUDE (trace_id, service_name, operation_name)
    WHERE status = 'error';

-- Slow spans, newest first; as partial as the one before.
CREATE INDEX forge_traces_slow ON :"schema".forge_traces (start_time)
    INCLUDE (trace_id, service_name, operation_name, duration_ms)
    WHERE duration_ms >= 500;

-- Who made spans, once for all of them: OpenTelemetry's resource attributes and instrumentation scope.
CREATE TABLE :"schema".forge_origins (
    -- The first 8 bytes of the SHA-256 of the other columns but last_seen.
    origin_id BIGINT PRIMARY KEY,
    -- A process's id that is no UUID, as foreign tracers may have.
    node_name TEXT,
    attributes JSONB NOT NULL,
    scope_name TEXT NOT NULL,
    scope_version TEXT,
    scope_attributes JSONB NOT NULL,
    -- The last day on which a writer used it; forgotten some days after the last span that refers to it is gone.
    last_seen DATE NOT NULL
);

-- Forge's own processes. A node that has not ended and whose heartbeat stopped has died.
CREATE TABLE :"schema".forge_nodes (
    node_id UUID PRIMARY KEY,
    service_name VARCHAR(100) NOT NULL,
    attributes JSONB NOT NULL,
    started_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    heartbeat_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    ended_at TIMESTAMPTZ
);

-- Partitions that Forge made, and what the catalog does not tell of them. One that is listed here but not attached was
-- being dropped when its dropper died: the next one ends the work.
CREATE TABLE :"schema".forge_partitions (
    name VARCHAR(63) PRIMARY KEY,
    lower_bound TIMESTAMPTZ NOT NULL,
    upper_bound TIMESTAMPTZ NOT NULL,
    -- When it was vacuumed, its key rebuilt and its further indexes made; NULL while it is being written to.
    sealed_at TIMESTAMPTZ
);
