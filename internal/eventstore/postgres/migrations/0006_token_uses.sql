-- When the secrets of tokens were last used, as far as it is noted. It is no part of the history, and may be lost. Each
-- row in use changes once a minute; room in its page lets PostgreSQL prune the old one at once.
create table public.token_uses (
    public_id text collate "C" primary key,
    used_at   timestamptz not null
) with (fillfactor = 50);
