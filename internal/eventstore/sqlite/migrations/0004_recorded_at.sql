-- The state as of an instant is one look-up. Times grow with positions, so an append adds to the last page alone.
CREATE INDEX events_recorded_at ON events (recorded_at);
