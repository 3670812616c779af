-- Jobs, uploads, API keys and webhooks: the tables of the SQLite schema, whose migrations explain the columns. Times are in
-- milliseconds since 1970. Text that is compared or ordered uses the collation "C", so that every database orders it alike.

CREATE TABLE api_keys (
    id                  BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hash                BYTEA  NOT NULL UNIQUE,
    prefix              TEXT   NOT NULL,
    name                TEXT   NOT NULL,
    created_ms          BIGINT NOT NULL,
    last_used_ms        BIGINT,
    revoked_ms          BIGINT,
    max_running         BIGINT,
    max_waiting         BIGINT,
    submits_per_minute  BIGINT,
    requests_per_minute BIGINT,
    retention_ms        BIGINT,
    quota_bytes         BIGINT
);

CREATE TABLE jobs (
    seq           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id            TEXT COLLATE "C" NOT NULL UNIQUE,
    owner         BIGINT NOT NULL REFERENCES api_keys (id),
    state         TEXT   NOT NULL CHECK (state IN ('queued', 'submitted', 'processing', 'completed', 'failed')),
    request       TEXT   NOT NULL,
    input_key     TEXT COLLATE "C",
    input_size    BIGINT NOT NULL,
    input_sha256  TEXT   NOT NULL,
    input_url     TEXT,
    clip_name     TEXT,
    token         BIGINT NOT NULL DEFAULT 0,
    attempts      BIGINT NOT NULL DEFAULT 0,
    crashes       BIGINT NOT NULL DEFAULT 0,
    progress      BIGINT NOT NULL DEFAULT 0,
    revision      BIGINT NOT NULL DEFAULT 1,
    created_ms    BIGINT NOT NULL,
    not_before_ms BIGINT NOT NULL,
    started_ms    BIGINT,
    ended_ms      BIGINT,
    winner_token  BIGINT,
    failure       TEXT,
    measured      TEXT,
    processing_ms BIGINT,
    retry_of      TEXT COLLATE "C",
    retention_ms  BIGINT
);
CREATE INDEX jobs_line ON jobs (owner, not_before_ms, seq) WHERE state = 'queued';
CREATE INDEX jobs_by_owner ON jobs (owner, created_ms, id);
CREATE INDEX jobs_by_state ON jobs (owner, state, created_ms, id);
CREATE INDEX jobs_input ON jobs (input_key) WHERE input_key IS NOT NULL;
CREATE INDEX jobs_kept_input ON jobs (owner, input_key) WHERE input_key IS NOT NULL;
CREATE INDEX jobs_spent_input ON jobs (ended_ms) WHERE input_key IS NOT NULL AND ended_ms IS NOT NULL;
CREATE INDEX jobs_spent_url ON jobs (ended_ms) WHERE input_url IS NOT NULL;

CREATE TABLE parts (
    seq           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_seq       BIGINT NOT NULL REFERENCES jobs (seq),
    place         BIGINT NOT NULL,
    owner         BIGINT NOT NULL REFERENCES api_keys (id),
    state         TEXT   NOT NULL CHECK (state IN ('blocked', 'waiting', 'claimed', 'done', 'ended')),
    frames        BIGINT,
    progress      BIGINT NOT NULL,
    attempts      BIGINT NOT NULL DEFAULT 0,
    crashes       BIGINT NOT NULL DEFAULT 0,
    not_before_ms BIGINT NOT NULL,
    winner_token  BIGINT,
    object_key    TEXT COLLATE "C",
    object_size   BIGINT,
    object_sha256 TEXT,
    processing_ms BIGINT NOT NULL DEFAULT 0,
    UNIQUE (job_seq, place)
);
CREATE INDEX parts_line ON parts (owner, job_seq, place) WHERE state = 'waiting';
CREATE INDEX parts_ended ON parts (seq) WHERE state = 'ended';
CREATE INDEX parts_object ON parts (object_key) WHERE object_key IS NOT NULL;

-- Rewritten by every heartbeat: free space in each page keeps the new row version beside the old one.
CREATE TABLE leases (
    job_seq    BIGINT NOT NULL REFERENCES jobs (seq),
    token      BIGINT NOT NULL,
    part       BIGINT REFERENCES parts (seq),
    worker     TEXT   NOT NULL,
    expires_ms BIGINT NOT NULL,
    progress   BIGINT NOT NULL,
    revision   BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (job_seq, token)
) WITH (fillfactor = 50);
CREATE INDEX leases_expiry ON leases (expires_ms);
CREATE INDEX leases_part ON leases (part) WHERE part IS NOT NULL;

CREATE TABLE turns (
    owner BIGINT PRIMARY KEY REFERENCES api_keys (id),
    turn  BIGINT NOT NULL
);
CREATE INDEX turns_last ON turns (turn);

CREATE TABLE outputs (
    job_seq    BIGINT NOT NULL REFERENCES jobs (seq),
    place      BIGINT NOT NULL,
    format     TEXT   NOT NULL,
    object_key TEXT COLLATE "C" NOT NULL,
    size       BIGINT NOT NULL,
    sha256     TEXT   NOT NULL,
    ended_ms   BIGINT NOT NULL,
    removed_ms BIGINT,
    PRIMARY KEY (job_seq, place)
);
CREATE INDEX outputs_kept ON outputs (ended_ms) WHERE removed_ms IS NULL;
CREATE INDEX outputs_object ON outputs (object_key);

CREATE TABLE usage (
    job_id        TEXT COLLATE "C" PRIMARY KEY,
    owner         BIGINT NOT NULL REFERENCES api_keys (id),
    ended_ms      BIGINT NOT NULL,
    input_bytes   BIGINT NOT NULL,
    output_bytes  BIGINT NOT NULL,
    frames        BIGINT NOT NULL,
    processing_ms BIGINT NOT NULL
);
CREATE INDEX usage_by_owner ON usage (owner, ended_ms);
CREATE INDEX usage_recent ON usage (ended_ms, processing_ms);

CREATE TABLE idempotency_keys (
    owner      BIGINT NOT NULL REFERENCES api_keys (id),
    key        TEXT COLLATE "C" NOT NULL,
    body       TEXT   NOT NULL,
    job_id     TEXT   NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (owner, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_ms);

CREATE TABLE uploads (
    id          TEXT COLLATE "C" PRIMARY KEY,
    owner       BIGINT NOT NULL REFERENCES api_keys (id),
    length      BIGINT,
    received    BIGINT NOT NULL,
    metadata    TEXT   NOT NULL,
    partial_key TEXT COLLATE "C",
    object_key  TEXT COLLATE "C",
    sha256      TEXT,
    created_ms  BIGINT NOT NULL,
    expires_ms  BIGINT NOT NULL,
    CHECK ((partial_key IS NULL) = (object_key IS NOT NULL))
);
CREATE INDEX uploads_expiry ON uploads (expires_ms);
CREATE INDEX uploads_by_owner ON uploads (owner);
CREATE INDEX uploads_partial ON uploads (partial_key) WHERE partial_key IS NOT NULL;
CREATE INDEX uploads_object ON uploads (object_key) WHERE object_key IS NOT NULL;

CREATE TABLE webhook_endpoints (
    seq               BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id                TEXT COLLATE "C" NOT NULL UNIQUE,
    owner             BIGINT NOT NULL REFERENCES api_keys (id),
    url               TEXT,
    host              TEXT COLLATE "C",
    link_base         TEXT,
    events            TEXT   NOT NULL,
    description       TEXT   NOT NULL,
    secret            TEXT   NOT NULL,
    previous_secret   TEXT,
    previous_until_ms BIGINT,
    created_ms        BIGINT NOT NULL,
    disabled_ms       BIGINT,
    disabled_reason   TEXT
);
CREATE UNIQUE INDEX webhook_endpoints_of_jobs ON webhook_endpoints (owner) WHERE url IS NULL;
CREATE INDEX webhook_endpoints_by_owner ON webhook_endpoints (owner);

CREATE TABLE webhook_urls (
    job_seq   BIGINT PRIMARY KEY REFERENCES jobs (seq) ON DELETE CASCADE,
    url       TEXT NOT NULL,
    host      TEXT COLLATE "C" NOT NULL,
    link_base TEXT NOT NULL,
    gone_ms   BIGINT
);

CREATE TABLE webhook_events (
    seq         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_seq     BIGINT REFERENCES jobs (seq) ON DELETE CASCADE,
    kind        TEXT   NOT NULL CHECK (kind IN ('job.started', 'job.completed', 'job.failed', 'webhook.test')),
    happened_ms BIGINT NOT NULL,
    progress    BIGINT NOT NULL,
    revision    BIGINT NOT NULL
);
CREATE UNIQUE INDEX webhook_events_once ON webhook_events (job_seq, kind);
CREATE UNIQUE INDEX webhook_events_one_end ON webhook_events (job_seq) WHERE kind IN ('job.completed', 'job.failed');
CREATE INDEX webhook_events_tests ON webhook_events (happened_ms) WHERE job_seq IS NULL;

CREATE TABLE webhook_deliveries (
    seq             BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id              TEXT COLLATE "C" NOT NULL UNIQUE,
    event_seq       BIGINT NOT NULL REFERENCES webhook_events (seq) ON DELETE CASCADE,
    endpoint_seq    BIGINT NOT NULL REFERENCES webhook_endpoints (seq) ON DELETE CASCADE,
    host            TEXT COLLATE "C" NOT NULL,
    state           TEXT   NOT NULL CHECK (state IN ('pending', 'delivered', 'failed', 'stopped')),
    tries           BIGINT NOT NULL DEFAULT 0,
    due_ms          BIGINT,
    claim           BIGINT NOT NULL DEFAULT 0,
    leased_until_ms BIGINT
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (host, due_ms, seq) WHERE due_ms IS NOT NULL;
CREATE INDEX webhook_deliveries_any_due ON webhook_deliveries (due_ms) WHERE due_ms IS NOT NULL;
CREATE INDEX webhook_deliveries_running ON webhook_deliveries (host, leased_until_ms) WHERE leased_until_ms IS NOT NULL;
CREATE INDEX webhook_deliveries_by_event ON webhook_deliveries (event_seq);
CREATE INDEX webhook_deliveries_by_endpoint ON webhook_deliveries (endpoint_seq);

CREATE TABLE webhook_attempts (
    delivery_seq BIGINT NOT NULL REFERENCES webhook_deliveries (seq) ON DELETE CASCADE,
    number       BIGINT NOT NULL,
    began_ms     BIGINT NOT NULL,
    latency_ms   BIGINT NOT NULL,
    status       BIGINT,
    no_answer    TEXT,
    reply        TEXT   NOT NULL,
    PRIMARY KEY (delivery_seq, number)
);

-- One row, written to find out whether the database can be written.
CREATE TABLE write_checks (id BIGINT PRIMARY KEY, checks BIGINT NOT NULL);
INSERT INTO write_checks VALUES (1, 0);

-- The oldest version of the schema whose programs can use the database. A later migration raises it if it leaves them behind.
CREATE TABLE schema_support (oldest BIGINT NOT NULL);
INSERT INTO schema_support VALUES (1);

-- Limits on the pace of an API key's requests: when each is fully available again, in microseconds since 1970.
CREATE TABLE paces (
    owner      BIGINT NOT NULL REFERENCES api_keys (id),
    name       TEXT   NOT NULL,
    full_at_us BIGINT NOT NULL,
    PRIMARY KEY (owner, name)
);

-- Secrets that all processes share, and the id of the store that belongs to the database.
CREATE TABLE secrets (name TEXT PRIMARY KEY, secret BYTEA NOT NULL);
