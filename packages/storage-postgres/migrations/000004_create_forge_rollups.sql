-- What questions about many spans read instead of the spans.

-- Services, their operations and tags, by the hour: for choosing from. Noted before the first span that has them.
CREATE TABLE :"schema".forge_operations_1h (
    hour TIMESTAMPTZ NOT NULL,
    service_name VARCHAR(100) COLLATE "C" NOT NULL,
    operation_name VARCHAR(255) COLLATE "C" NOT NULL,
    resource VARCHAR(255) COLLATE "C" NOT NULL,
    PRIMARY KEY (hour, service_name, operation_name, resource)
);
CREATE TABLE :"schema".forge_tag_keys_1h (
    hour TIMESTAMPTZ NOT NULL,
    service_name VARCHAR(100) COLLATE "C" NOT NULL,
    key VARCHAR(200) COLLATE "C" NOT NULL,
    -- Whether all its values are in forge_tag_values_1h: not of a key that has too many, or long ones.
    complete BOOLEAN NOT NULL,
    PRIMARY KEY (hour, service_name, key)
);
CREATE TABLE :"schema".forge_tag_values_1h (
    hour TIMESTAMPTZ NOT NULL,
    service_name VARCHAR(100) COLLATE "C" NOT NULL,
    key VARCHAR(200) COLLATE "C" NOT NULL,
    value VARCHAR(200) COLLATE "C" NOT NULL,
    PRIMARY KEY (hour, key, service_name, value)
);

-- forge_traffic_1m, added up over nodes and minutes. A bucket is there once it is over.
CREATE TABLE :"schema".forge_traffic_15m (
    bucket TIMESTAMPTZ NOT NULL,
    service_name VARCHAR(100) NOT NULL,
    operation_name VARCHAR(255) NOT NULL,
    resource VARCHAR(255) NOT NULL,
    kind SMALLINT NOT NULL,
    status VARCHAR(20) NOT NULL,
    count BIGINT NOT NULL,
    sum_us BIGINT NOT NULL,
    max_us BIGINT NOT NULL,
    histogram BYTEA NOT NULL,
    PRIMARY KEY (bucket, service_name, operation_name, resource, kind, status)
);
CREATE TABLE :"schema".forge_traffic_1h (LIKE :"schema".forge_traffic_15m INCLUDING ALL);

-- Calls from service to service, as the stored spans tell them.
CREATE TABLE :"schema".forge_edges_1m (
    minute TIMESTAMPTZ NOT NULL,
    parent_service VARCHAR(100) COLLATE "C" NOT NULL,
    child_service VARCHAR(100) COLLATE "C" NOT NULL,
    count BIGINT NOT NULL,
    error_count BIGINT NOT NULL,
    sum_us NUMERIC NOT NULL,
    max_us BIGINT NOT NULL,
    PRIMARY KEY (minute, parent_service, child_service)
);

-- Minutes of which the tables above do not tell yet what was written last: they are computed from the source until the
-- upkeep has caught up. Each writer has rows of its own, so that none waits for another.
CREATE TABLE :"schema".forge_touched_minutes (
    -- spans: for edges; traffic: for sums over 15 minutes; hour: for those over the hour that begins then.
    what VARCHAR(10) NOT NULL,
    minute TIMESTAMPTZ NOT NULL,
    writer UUID NOT NULL,
    PRIMARY KEY (what, minute, writer)
);
