-- One row a trace, changed in the same transaction as its spans: what lists and searches of traces read.
--
-- A row stays where its first batch put it: its home. Ids made by Forge begin with their second of creation, which is
-- the home; for all others forge_trace_homes remembers it. Partitions are those of forge_traces, by home.
CREATE TABLE :"schema".forge_trace_summaries (
    trace_id VARCHAR(32) COLLATE "C" NOT NULL,
    home TIMESTAMPTZ NOT NULL,

    start_time TIMESTAMPTZ NOT NULL,
    end_time TIMESTAMPTZ NOT NULL,
    duration_us BIGINT NOT NULL,
    span_count INTEGER NOT NULL,
    error_count INTEGER NOT NULL,
    longest_span_us BIGINT NOT NULL,
    -- {"gateway": [spans, errors], ...}
    services JSONB NOT NULL,

    -- The earliest span: the root, unless clocks disagree.
    first_span_id VARCHAR(16) COLLATE "C" NOT NULL,
    first_parent_span_id VARCHAR(16) COLLATE "C",
    operation_name VARCHAR(255) NOT NULL,
    resource VARCHAR(255) NOT NULL,
    service_name VARCHAR(100) NOT NULL,
    status VARCHAR(20) NOT NULL,

    -- Hashes of what any of its spans is or has: service, operation, error, tag. A trace without a query's facts cannot
    -- match it; one with them is looked at. Negative: operations; positive: tags; 0: it had too many tags to note.
    facts INTEGER[] NOT NULL,

    PRIMARY KEY (trace_id, home)
) PARTITION BY RANGE (home);

-- The newest first, and any range of time.
CREATE INDEX forge_trace_summaries_start ON :"schema".forge_trace_summaries (start_time);
-- The longest first.
CREATE INDEX forge_trace_summaries_duration ON :"schema".forge_trace_summaries (duration_us);

-- The homes of traces whose ids do not tell. Inserted before the first span of a trace, by whoever comes first.
CREATE TABLE :"schema".forge_trace_homes (
    trace_id VARCHAR(32) COLLATE "C" PRIMARY KEY,
    home TIMESTAMPTZ NOT NULL
);
-- For forgetting those of dropped partitions.
CREATE INDEX forge_trace_homes_home ON :"schema".forge_trace_homes USING brin (home) WITH (pages_per_range = 16);

-- Traces that reach further than 10 minutes from their home: the few that a search within a range of homes would miss.
CREATE TABLE :"schema".forge_wide_traces (
    trace_id VARCHAR(32) COLLATE "C" PRIMARY KEY,
    home TIMESTAMPTZ NOT NULL,
    start_time TIMESTAMPTZ NOT NULL,
    end_time TIMESTAMPTZ NOT NULL
);
-- Those that still ran at a time.
CREATE INDEX forge_wide_traces_end ON :"schema".forge_wide_traces (end_time);
