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
