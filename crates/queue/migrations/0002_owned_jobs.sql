-- Raised by everything visible about the job that changes; what its claim adds while it runs lies on the lease.
ALTER TABLE jobs ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;
ALTER TABLE jobs ADD COLUMN retry_of TEXT;     -- the id of the ended job that this one runs again
ALTER TABLE leases ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;

-- Newest first, all or by state.
CREATE INDEX jobs_by_owner ON jobs (owner, created_ms, id);
CREATE INDEX jobs_by_state ON jobs (owner, state, created_ms, id);

-- One line of waiting jobs for each key; claims take the lines in turn.
DROP INDEX jobs_ready;
CREATE INDEX jobs_line ON jobs (owner, not_before_ms, seq) WHERE state = 'queued';
CREATE TABLE turns (
    owner INTEGER PRIMARY KEY REFERENCES api_keys (id),
    turn  INTEGER NOT NULL                     -- the number of the claim that this key's line was served by last
) STRICT;
CREATE INDEX turns_last ON turns (turn);

-- What one key may do, where it differs from the server's settings.
ALTER TABLE api_keys ADD COLUMN max_running INTEGER;
ALTER TABLE api_keys ADD COLUMN max_waiting INTEGER;
ALTER TABLE api_keys ADD COLUMN submits_per_minute INTEGER;
ALTER TABLE api_keys ADD COLUMN requests_per_minute INTEGER;

-- Submits that are done once however often they are sent. Outlives the job.
CREATE TABLE idempotency_keys (
    owner      INTEGER NOT NULL REFERENCES api_keys (id),
    key        TEXT    NOT NULL,
    body       TEXT    NOT NULL,               -- what identifies the body: a hash of its fields and files
    job_id     TEXT    NOT NULL,
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (owner, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_ms);

CREATE INDEX usage_recent ON usage (ended_ms, processing_ms);
