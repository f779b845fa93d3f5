-- How far a server has verified the history. It is no part of the history, and may be lost.
create table public.verification (
    singleton   boolean primary key default true check (singleton),
    position    bigint not null,
    hash        bytea not null,
    verified_at timestamptz not null
);
