CREATE TABLE history_head (
    singleton   INTEGER PRIMARY KEY CHECK (singleton = 1),
    position    INTEGER NOT NULL,
    hash        BLOB NOT NULL,
    recorded_at INTEGER NOT NULL -- microseconds since 1970, UTC; 0 while the history is empty
) STRICT;

INSERT INTO history_head VALUES (1, 0, zeroblob(32), 0);

-- STRICT, so that no value is changed by a type affinity: '007' stays '007'.
CREATE TABLE events (
    position       INTEGER PRIMARY KEY,
    hash           BLOB NOT NULL,
    config_name    TEXT NOT NULL,
    version        INTEGER NOT NULL,
    type           TEXT NOT NULL,
    schema_version INTEGER NOT NULL,
    data           TEXT NOT NULL,
    actor          TEXT,
    reason         TEXT,
    recorded_at    INTEGER NOT NULL, -- microseconds since 1970, UTC
    append_id      BLOB NOT NULL,
    change_set     INTEGER NOT NULL,
    UNIQUE (config_name, version)
) STRICT;

-- An index on (config_name, position) of all events would nearly double the cost of an append: each event dirties one
-- more page, at a random place. One event of 64 of a name is enough to find the newest at a position: see readAsOf.
CREATE INDEX events_milestones ON events (config_name, position, version) WHERE version % 64 = 0;
