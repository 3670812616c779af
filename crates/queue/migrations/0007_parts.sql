-- The parts of a job that several workers cut: its segments in order, and last their join.
CREATE TABLE parts (
    seq           INTEGER PRIMARY KEY,
    job_seq       INTEGER NOT NULL REFERENCES jobs (seq),
    place         INTEGER NOT NULL,
    owner         INTEGER NOT NULL REFERENCES api_keys (id),
    state         TEXT    NOT NULL CHECK (state IN ('blocked', 'waiting', 'claimed', 'done', 'ended')),
    frames        INTEGER,                     -- null in the join
    progress      INTEGER NOT NULL,            -- the furthest reached by claims that ended
    attempts      INTEGER NOT NULL DEFAULT 0,
    crashes       INTEGER NOT NULL DEFAULT 0,
    not_before_ms INTEGER NOT NULL,
    winner_token  INTEGER,                     -- the claim that cut the segment
    object_key    TEXT,                        -- of the join: the plan
    object_size   INTEGER,
    object_sha256 TEXT,
    processing_ms INTEGER NOT NULL DEFAULT 0,
    UNIQUE (job_seq, place)
) STRICT;
CREATE INDEX parts_line ON parts (owner, job_seq, place) WHERE state = 'waiting';
CREATE INDEX parts_ended ON parts (seq) WHERE state = 'ended';
CREATE INDEX parts_object ON parts (object_key) WHERE object_key IS NOT NULL;

-- A job has one lease, or one for each part that is claimed.
CREATE TABLE leases_by_token (
    job_seq    INTEGER NOT NULL REFERENCES jobs (seq),
    token      INTEGER NOT NULL,
    part       INTEGER REFERENCES parts (seq), -- null: of the whole job
    worker     TEXT    NOT NULL,
    expires_ms INTEGER NOT NULL,
    progress   INTEGER NOT NULL,
    revision   INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (job_seq, token)
) STRICT;
INSERT INTO leases_by_token (job_seq, token, worker, expires_ms, progress, revision)
    SELECT job_seq, token, worker, expires_ms, progress, revision FROM leases;
DROP TABLE leases;
ALTER TABLE leases_by_token RENAME TO leases;
CREATE INDEX leases_expiry ON leases (expires_ms);
CREATE INDEX leases_part ON leases (part) WHERE part IS NOT NULL;
