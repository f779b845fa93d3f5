-- What requests with an idempotency key came to. It is no part of the history: rows go away after a time.
create table public.idempotency (
    actor          text collate "C" not null, -- '' when it is not known
    key            text collate "C" not null,
    request_hash   bytea not null,
    first_position bigint not null,
    event_count    integer not null, -- 0 when nothing was to do
    created_at     timestamptz not null,
    unchanged      text not null, -- the names that were as asked for already, one a line
    constraint idempotency_pkey primary key (actor, key)
);

create index idempotency_created_at on public.idempotency (created_at);

-- What an append hands over for each receipt.
create type public.idempotency_input as (
    actor          text,
    key            text,
    request_hash   bytea,
    first_position bigint,
    event_count    integer,
    created_at     timestamptz,
    unchanged      text
);
