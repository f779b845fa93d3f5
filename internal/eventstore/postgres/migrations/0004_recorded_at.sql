-- The state as of an instant is one look-up. Times grow with positions, so an append adds to the last page alone.
create index events_recorded_at on public.events (recorded_at);
