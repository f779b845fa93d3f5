CREATE TABLE history_head (
    singleton   INTEGER PRIMARY KEY CHECK (singleton = 1),
    position    INTEGER NOT NULL,
    hash        BLOB NOT NULL,
    recorded_at INTEGER NOT NULL -- microseconds since 1970, UTC; 0 while the history is empty
) STRICT;

INSERT INTO history_head VALUES (1, 0, zeroblob(32), 0);

-- STRICT, so that no value is changed by a type affinity: '007' stays '007'. Long data fills pages of its own, and SQLite
-- reads through all of them to find the columns behind it: so it comes last.
CREATE TABLE events (
    position       INTEGER PRIMARY KEY,
    previous       INTEGER NOT NULL CHECK (previous >= 0), -- of the event before of the same name; 0 for the first
    hash           BLOB NOT NULL,
    config_name    TEXT NOT NULL,
    version        INTEGER NOT NULL,
    type           TEXT NOT NULL,
    schema_version INTEGER NOT NULL,
    actor          TEXT,
    reason         TEXT,
    recorded_at    INTEGER NOT NULL, -- microseconds since 1970, UTC
    append_id      BLOB NOT NULL,
    change_set     INTEGER NOT NULL,
    reverts        TEXT,             -- a position, as clients see it
    salt_who       BLOB NOT NULL,
    salt_what      BLOB,             -- null when the data was erased
    what           BLOB NOT NULL,    -- the digest of salt_what and data, which stays
    data           TEXT              -- null when it was erased
) STRICT;

-- The newest event of each name, and its first. From there the column previous leads to all others. It takes the place of
-- an index over the names and versions of all events, which is most of the cost of a large append: each event changes one
-- of its pages, at a random place.
CREATE TABLE newest (
    config_name TEXT PRIMARY KEY,
    version     INTEGER NOT NULL,
    position    INTEGER NOT NULL,
    first       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- one event of 8 of a name is enough to find any of them with few steps: see versions.go.
CREATE INDEX events_milestones ON events (config_name, version) WHERE version % 8 = 0;

-- The newest changes of one actor are one walk back. Only few actors write, so an append adds to few pages; without
-- authentication there is no actor, and the index is empty.
CREATE INDEX events_actor ON events (actor, position) WHERE actor IS NOT NULL;

-- What requests with an idempotency key came to. It is no part of the history: rows go away after a time.
CREATE TABLE idempotency (
    actor          TEXT NOT NULL, -- '' when it is not known
    key            TEXT NOT NULL,
    request_hash   BLOB NOT NULL,
    first_position INTEGER NOT NULL,
    event_count    INTEGER NOT NULL, -- 0 when nothing was to do
    created_at     INTEGER NOT NULL, -- microseconds since 1970, UTC
    unchanged      TEXT NOT NULL, -- the names that were as asked for already, one a line
    PRIMARY KEY (actor, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_created_at ON idempotency (created_at);

-- The key of the HMACs in receipts. It is no part of the history.
CREATE TABLE store_key (
    singleton INTEGER PRIMARY KEY CHECK (singleton = 1),
    key       BLOB NOT NULL
) STRICT;

INSERT INTO store_key VALUES (1, randomblob(32));

-- What the write-ahead log says of the database file that it belongs to, as JSON; '' before the first append.
CREATE TABLE log_note (
    singleton INTEGER PRIMARY KEY CHECK (singleton = 1),
    note      TEXT NOT NULL
) STRICT;

INSERT INTO log_note VALUES (1, '');

-- The head to which a restore of a backup leads while it is under way; no row at other times.
CREATE TABLE restore_in_progress (
    singleton INTEGER PRIMARY KEY CHECK (singleton = 1),
    position  INTEGER NOT NULL,
    hash      BLOB NOT NULL
) STRICT;
