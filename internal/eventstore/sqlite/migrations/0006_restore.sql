-- The head to which a restore of a backup leads while it is under way; no row at other times.
CREATE TABLE restore_in_progress (
    singleton INTEGER PRIMARY KEY CHECK (singleton = 1),
    position  INTEGER NOT NULL,
    hash      BLOB NOT NULL
) STRICT;
