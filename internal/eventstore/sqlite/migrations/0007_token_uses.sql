-- When the secrets of tokens were last used, as far as it is noted. It is no part of the history, and may be lost.
CREATE TABLE token_uses (
    public_id TEXT PRIMARY KEY,
    used_at   INTEGER NOT NULL -- microseconds since 1970, UTC
) STRICT, WITHOUT ROWID;
