-- The head to which a restore of a backup leads while it is under way; no row at other times.
create table public.restore_in_progress (
    singleton boolean primary key default true check (singleton),
    position  bigint not null,
    hash      bytea not null
);
