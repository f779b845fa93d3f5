-- Each append changes the one row. Room in its page lets PostgreSQL prune the old rows as it goes, and the table stays
-- small unless a long transaction elsewhere keeps old rows alive; autovacuum then cleans up soon after.
create table public.history_head (
    singleton   boolean primary key default true check (singleton),
    position    bigint not null,
    hash        bytea not null,
    recorded_at timestamptz not null
) with (
    fillfactor = 10,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 500,
    autovacuum_vacuum_cost_delay = 0
);

-- The head of an empty history: its time is Go's zero time.
insert into public.history_head (position, hash, recorded_at)
values (0, decode(repeat('00', 32), 'hex'), '0001-01-01 00:00:00+00');

-- Rows are only ever inserted: the first vacuum of a page may freeze it for good, and soon, because reads by index alone
-- need to know that a page is visible to all.
create table public.events (
    position       bigint primary key,
    hash           bytea not null,
    config_name    text collate "C" not null,
    version        bigint not null,
    type           text not null,
    schema_version integer not null,
    data           text, -- JSON; jsonb would change the bytes that the hash is made of; null when it was erased
    actor          text,
    reason         text,
    recorded_at    timestamptz not null,
    append_id      bytea not null,
    change_set     bigint not null,
    reverts        text, -- a position, as clients see it
    salt_who       bytea not null,
    salt_what      bytea, -- null when the data was erased
    what           bytea not null, -- the digest of salt_what and data, which stays
    constraint events_config_name_version_key unique (config_name, version) include (position)
) with (
    autovacuum_vacuum_insert_scale_factor = 0.05,
    autovacuum_freeze_min_age = 0
);

-- An index on (config_name, position) of all events would make an append of many records cost a third more: each record
-- changes one more page, at a random place. One event of 16 of a name is enough to find the newest at a position.
create index events_milestones on public.events (config_name, position) include (version) where version % 16 = 0;

-- The newest changes of one actor are one walk back. Only few actors write, so an append adds to few pages; without
-- authentication there is no actor, and the index is empty.
create index events_actor on public.events (actor collate "C", position) where actor is not null;

-- Large values are compressed, by lz4 where the server has it: it costs a fraction of the time.
do $$
begin
    if exists (select from pg_settings where name = 'default_toast_compression' and 'lz4' = any (enumvals)) then
        alter table public.events alter column data set compression lz4;
    end if;
end
$$;

-- What an append hands over for each record. Its position is not in it: positions follow from the head.
create type public.event_input as (
    hash           bytea,
    config_name    text,
    version        bigint,
    type           text,
    schema_version integer,
    data           text,
    actor          text,
    reason         text,
    recorded_at    timestamptz,
    append_id      bytea,
    change_set     bigint,
    reverts        text,
    salt_who       bytea,
    salt_what      bytea,
    what           bytea
);

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

-- The key of the HMACs in receipts. It is no part of the history. Three UUIDs have 366 random bits.
create table public.store_key (
    singleton boolean primary key default true check (singleton),
    key       bytea not null
);

insert into public.store_key (key) values (sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())));

-- How far a server has verified the history. It is no part of the history, and may be lost.
create table public.verification (
    singleton   boolean primary key default true check (singleton),
    position    bigint not null,
    hash        bytea not null,
    verified_at timestamptz not null
);

-- The head to which a restore of a backup leads while it is under way; no row at other times.
create table public.restore_in_progress (
    singleton boolean primary key default true check (singleton),
    position  bigint not null,
    hash      bytea not null
);
