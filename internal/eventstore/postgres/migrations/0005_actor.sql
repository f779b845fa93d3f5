-- The newest changes of one actor are one walk back. Only few actors write, so an append adds to few pages; without
-- authentication there is no actor, and the index is empty.
create index events_actor on public.events (actor collate "C", position) where actor is not null;
