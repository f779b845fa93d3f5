-- The newest changes of one actor are one walk back. Only few actors write, so an append adds to few pages; without
-- authentication there is no actor, and the index is empty.
CREATE INDEX events_actor ON events (actor, position) WHERE actor IS NOT NULL;
