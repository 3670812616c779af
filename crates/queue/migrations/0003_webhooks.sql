-- Who wants to be told. The row without a URL stands for the webhookUrl of single jobs and holds the secret that signs for them.
CREATE TABLE webhook_endpoints (
    seq               INTEGER PRIMARY KEY,
    id                TEXT    NOT NULL UNIQUE,
    owner             INTEGER NOT NULL REFERENCES api_keys (id),
    url               TEXT,
    host              TEXT,
    link_base         TEXT,                    -- what links in the payload begin with, unless the server's settings say
    events            TEXT    NOT NULL,        -- words with commas between and around
    description       TEXT    NOT NULL,
    secret            TEXT    NOT NULL,
    previous_secret   TEXT,                    -- signs beside the secret until then
    previous_until_ms INTEGER,
    created_ms        INTEGER NOT NULL,
    disabled_ms       INTEGER,
    disabled_reason   TEXT
) STRICT;
CREATE UNIQUE INDEX webhook_endpoints_of_jobs ON webhook_endpoints (owner) WHERE url IS NULL;
CREATE INDEX webhook_endpoints_by_owner ON webhook_endpoints (owner);

-- The webhookUrl that a job came with.
CREATE TABLE webhook_urls (
    job_seq   INTEGER PRIMARY KEY REFERENCES jobs (seq) ON DELETE CASCADE,
    url       TEXT    NOT NULL,
    host      TEXT    NOT NULL,
    link_base TEXT    NOT NULL,
    gone_ms   INTEGER                          -- since when it answers 410
) STRICT;

-- What happened: written by the transaction in which it happens. What may change after it is kept here.
CREATE TABLE webhook_events (
    seq         INTEGER PRIMARY KEY,
    job_seq     INTEGER REFERENCES jobs (seq) ON DELETE CASCADE,  -- null for a test event
    kind        TEXT    NOT NULL CHECK (kind IN ('job.started', 'job.completed', 'job.failed', 'webhook.test')),
    happened_ms INTEGER NOT NULL,
    progress    INTEGER NOT NULL,
    revision    INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX webhook_events_once ON webhook_events (job_seq, kind);
CREATE UNIQUE INDEX webhook_events_one_end ON webhook_events (job_seq) WHERE kind IN ('job.completed', 'job.failed');
CREATE INDEX webhook_events_tests ON webhook_events (happened_ms) WHERE job_seq IS NULL;

-- One row for each event and each endpoint that wants it.
CREATE TABLE webhook_deliveries (
    seq             INTEGER PRIMARY KEY,
    id              TEXT    NOT NULL UNIQUE,   -- the webhook-id
    event_seq       INTEGER NOT NULL REFERENCES webhook_events (seq) ON DELETE CASCADE,
    endpoint_seq    INTEGER NOT NULL REFERENCES webhook_endpoints (seq) ON DELETE CASCADE,
    host            TEXT    NOT NULL,
    state           TEXT    NOT NULL CHECK (state IN ('pending', 'delivered', 'failed', 'stopped')),
    tries           INTEGER NOT NULL DEFAULT 0,  -- attempts since it was asked for, the place in the schedule
    due_ms          INTEGER,                     -- null unless pending; while an attempt runs, the end of its lease
    claim           INTEGER NOT NULL DEFAULT 0,  -- raised by every claim, never reset
    leased_until_ms INTEGER
) STRICT;
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (host, due_ms, seq) WHERE due_ms IS NOT NULL;
CREATE INDEX webhook_deliveries_any_due ON webhook_deliveries (due_ms) WHERE due_ms IS NOT NULL;
CREATE INDEX webhook_deliveries_running ON webhook_deliveries (host, leased_until_ms) WHERE leased_until_ms IS NOT NULL;
CREATE INDEX webhook_deliveries_by_event ON webhook_deliveries (event_seq);
CREATE INDEX webhook_deliveries_by_endpoint ON webhook_deliveries (endpoint_seq);

CREATE TABLE webhook_attempts (
    delivery_seq INTEGER NOT NULL REFERENCES webhook_deliveries (seq) ON DELETE CASCADE,
    number       INTEGER NOT NULL,
    began_ms     INTEGER NOT NULL,
    latency_ms   INTEGER NOT NULL,
    status       INTEGER,                      -- null without an answer
    no_answer    TEXT,
    reply        TEXT    NOT NULL,
    PRIMARY KEY (delivery_seq, number)
) STRICT, WITHOUT ROWID;
