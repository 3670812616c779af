-- What a key may keep, and for how long; null leaves it to the server's settings.
ALTER TABLE api_keys ADD COLUMN retention_ms INTEGER;
ALTER TABLE api_keys ADD COLUMN quota_bytes INTEGER;

-- Where the input is still to be fetched from; null once it is, or once the job is past its retention. Until it is fetched,
-- input_key is null, input_size 0 and input_sha256 empty.
ALTER TABLE jobs ADD COLUMN input_url TEXT;
-- The longest that the key allowed when the job was submitted.
ALTER TABLE jobs ADD COLUMN retention_ms INTEGER;
CREATE INDEX jobs_kept_input ON jobs (owner, input_key) WHERE input_key IS NOT NULL;
CREATE INDEX jobs_spent_url ON jobs (ended_ms) WHERE input_url IS NOT NULL;

-- Clips that are sent before their jobs, at once or in pieces. Several jobs may point to the object of one.
CREATE TABLE uploads (
    id          TEXT    PRIMARY KEY,
    owner       INTEGER NOT NULL REFERENCES api_keys (id),
    length      INTEGER,            -- as announced; null until it is
    received    INTEGER NOT NULL,   -- bytes that were acknowledged, and so are on the disk
    metadata    TEXT    NOT NULL,   -- as the client wrote it
    partial_key TEXT,               -- the object with the bytes so far; null once whole
    object_key  TEXT,               -- the whole object; null until then
    sha256      TEXT,
    created_ms  INTEGER NOT NULL,
    expires_ms  INTEGER NOT NULL,
    CHECK ((partial_key IS NULL) = (object_key IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX uploads_expiry ON uploads (expires_ms);
CREATE INDEX uploads_by_owner ON uploads (owner);
CREATE INDEX uploads_partial ON uploads (partial_key) WHERE partial_key IS NOT NULL;
CREATE INDEX uploads_object ON uploads (object_key) WHERE object_key IS NOT NULL;
