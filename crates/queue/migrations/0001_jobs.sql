-- API keys: the hash is all that is kept of a key.
CREATE TABLE api_keys (
    id           INTEGER PRIMARY KEY,
    hash         BLOB    NOT NULL UNIQUE,
    prefix       TEXT    NOT NULL,
    name         TEXT    NOT NULL,
    created_ms   INTEGER NOT NULL,
    last_used_ms INTEGER,
    revoked_ms   INTEGER
) STRICT;

-- One row a job, written a handful of times in its life. What changes every second lies in leases.
CREATE TABLE jobs (
    seq           INTEGER PRIMARY KEY,
    id            TEXT    NOT NULL UNIQUE,
    owner         INTEGER NOT NULL REFERENCES api_keys (id),
    state         TEXT    NOT NULL CHECK (state IN ('queued', 'submitted', 'processing', 'completed', 'failed')),
    request       TEXT    NOT NULL,
    input_key     TEXT,                        -- null once the object may be removed
    input_size    INTEGER NOT NULL,
    input_sha256  TEXT    NOT NULL,
    token         INTEGER NOT NULL DEFAULT 0,  -- raised by every claim, never reset
    attempts      INTEGER NOT NULL DEFAULT 0,
    crashes       INTEGER NOT NULL DEFAULT 0,
    progress      INTEGER NOT NULL DEFAULT 0,  -- the furthest reached by claims that ended
    created_ms    INTEGER NOT NULL,
    not_before_ms INTEGER NOT NULL,
    started_ms    INTEGER,
    ended_ms      INTEGER,
    winner_token  INTEGER,                     -- the claim that wrote the end; null if nobody's did
    failure       TEXT,
    measured      TEXT,
    processing_ms INTEGER
) STRICT;
CREATE INDEX jobs_ready ON jobs (not_before_ms, seq) WHERE state = 'queued';
CREATE INDEX jobs_input ON jobs (input_key) WHERE input_key IS NOT NULL;
CREATE INDEX jobs_spent_input ON jobs (ended_ms) WHERE input_key IS NOT NULL AND ended_ms IS NOT NULL;

-- The running claims: one narrow row each, rewritten by every heartbeat.
CREATE TABLE leases (
    job_seq    INTEGER PRIMARY KEY REFERENCES jobs (seq),
    token      INTEGER NOT NULL,
    worker     TEXT    NOT NULL,
    expires_ms INTEGER NOT NULL,
    progress   INTEGER NOT NULL
) STRICT;
CREATE INDEX leases_expiry ON leases (expires_ms);

CREATE TABLE outputs (
    job_seq    INTEGER NOT NULL REFERENCES jobs (seq),
    place      INTEGER NOT NULL,               -- the order in which they were asked
    format     TEXT    NOT NULL,
    object_key TEXT    NOT NULL,
    size       INTEGER NOT NULL,
    sha256     TEXT    NOT NULL,
    ended_ms   INTEGER NOT NULL,
    removed_ms INTEGER,                        -- set once the object may be removed
    PRIMARY KEY (job_seq, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX outputs_kept ON outputs (ended_ms) WHERE removed_ms IS NULL;
CREATE INDEX outputs_object ON outputs (object_key);

-- What each job cost, for billing and for quotas; outlives the job row.
CREATE TABLE usage (
    job_id        TEXT    PRIMARY KEY,
    owner         INTEGER NOT NULL REFERENCES api_keys (id),
    ended_ms      INTEGER NOT NULL,
    input_bytes   INTEGER NOT NULL,
    output_bytes  INTEGER NOT NULL,
    frames        INTEGER NOT NULL,
    processing_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX usage_by_owner ON usage (owner, ended_ms);
