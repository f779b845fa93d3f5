-- What the write-ahead log says of the database file that it belongs to, as JSON; '' before the first append.
CREATE TABLE log_note (
    singleton INTEGER PRIMARY KEY CHECK (singleton = 1),
    note      TEXT NOT NULL
) STRICT;

INSERT INTO log_note VALUES (1, '');
