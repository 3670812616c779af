//! SQL statements of jobs, API keys and uploads, in one list, so that one test can prepare them all
//! against the migrated schema.
//!
//! They are in the words that SQLite and PostgreSQL share. The macros `greater!`, `smaller!`,
//! `indexed_by!` and `ordered_join!` of each backend stand for the rest.

/// The columns of what the running claims of a job have reached. A split job is as far as the mean
/// of its segments, weighted by their frames; 2085 is a segment that is cut.
macro_rules! reached_columns {
    ($job:literal) => {
        concat!(
            "(SELECT MAX(l.progress) FROM leases l LEFT JOIN parts q ON q.seq = l.part
                WHERE l.job_seq = ",
            $job,
            " AND q.frames IS NULL) AS lease_progress,
            (SELECT CAST(SUM(l.revision) AS BIGINT) FROM leases l WHERE l.job_seq = ",
            $job,
            ") AS lease_revision,
            (SELECT CAST(SUM(p.frames * CASE WHEN l.progress > 2085 THEN 2085 ELSE COALESCE(l.progress, p.progress) END) AS BIGINT)
                    / CAST(SUM(p.frames) AS BIGINT)
                FROM parts p LEFT JOIN leases l ON l.part = p.seq
                WHERE p.job_seq = ",
            $job,
            " AND p.frames IS NOT NULL) AS segments_progress"
        )
    };
}

macro_rules! statements {
    ($($name:ident = $text:expr;)*) => {
        $(pub(super) const $name: &str = $text;)*

        #[cfg(test)]
        pub(super) const ALL: &[(&str, &str)] = &[$((stringify!($name), $name),)*];
    };
}
pub(super) use statements;

statements! {
    SUBMIT = "INSERT INTO jobs (id, owner, state, request, input_key, input_size, input_sha256, created_ms, not_before_ms,
            input_url, clip_name, retention_ms)
        VALUES ($1, $2, 'queued', $3, $4, $5, $6, $7, $7, $8, $9, (SELECT retention_ms FROM api_keys WHERE id = $2))
        RETURNING seq";

    COUNT_WAITING = "SELECT (SELECT max_waiting FROM api_keys WHERE id = $1) AS max_waiting,
            (SELECT COUNT(*) FROM jobs WHERE state = 'queued' AND owner = $1) AS waiting";

    READ_JOB = concat!("SELECT j.*, ", reached_columns!("j.seq"), " FROM jobs j WHERE j.id = $1 AND j.owner = $2");

    READ_REACHED = concat!("SELECT ", reached_columns!("$1"));

    READ_OUTPUTS = "SELECT format, object_key, size, sha256 FROM outputs WHERE job_seq = $1 ORDER BY place";

    // Finds the keys with waiting jobs by skipping from key to key in the index, so that the cost
    // does not depend on the number of waiting jobs. The owner of a lease is a subquery and no join:
    // a planner that overrates the number of leases would read all jobs for a join.
    FIND_READY = concat!("WITH RECURSIVE waiting (owner) AS (
            SELECT * FROM (SELECT owner FROM jobs", indexed_by!("jobs_line"), " WHERE state = 'queued' ORDER BY owner LIMIT 1) AS w
            UNION ALL
            SELECT (SELECT n.owner FROM jobs n", indexed_by!("jobs_line"), " WHERE n.state = 'queued' AND n.owner > w.owner ORDER BY n.owner LIMIT 1)
            FROM waiting w WHERE w.owner IS NOT NULL),
        running (owner, claims) AS (
            SELECT held.owner, COUNT(*) FROM (SELECT (SELECT j.owner FROM jobs j WHERE j.seq = l.job_seq) AS owner FROM leases l) AS held
            GROUP BY held.owner)
        SELECT j.seq, j.id, j.owner, j.token, j.request, j.input_key, j.input_size, j.input_sha256, j.input_url, j.progress,
            j.not_before_ms AS ready_ms, COALESCE(r.claims, 0) AS running, COALESCE(t.turn, 0) AS turn
        FROM waiting w", ordered_join!(), "api_keys k ON k.id = w.owner", ordered_join!(), "jobs j
            ON j.seq = (SELECT f.seq FROM jobs f", indexed_by!("jobs_line"), " WHERE f.state = 'queued' AND f.owner = w.owner
            AND f.not_before_ms <= $1 ORDER BY f.not_before_ms, f.seq LIMIT 1)
        LEFT JOIN running r ON r.owner = w.owner
        LEFT JOIN turns t ON t.owner = w.owner
        WHERE COALESCE(r.claims, 0) < COALESCE(k.max_running, $2)
        ORDER BY COALESCE(r.claims, 0), COALESCE(t.turn, 0), j.not_before_ms, j.seq LIMIT 1");

    TAKE_TURN = "INSERT INTO turns (owner, turn) VALUES ($1, (SELECT COALESCE(MAX(turn), 0) + 1 FROM turns))
        ON CONFLICT (owner) DO UPDATE SET turn = excluded.turn";

    CLAIM = "UPDATE jobs SET state = 'submitted', token = token + 1, revision = revision + 1
        WHERE seq = $1 AND token = $2 AND state = 'queued'";

    INSERT_LEASE = "INSERT INTO leases (job_seq, token, part, worker, expires_ms, progress) VALUES ($1, $2, $3, $4, $5, $6)";

    START = "UPDATE jobs SET state = 'processing', started_ms = COALESCE(started_ms, $3),
            revision = revision + CASE WHEN state = 'submitted' THEN 1 ELSE 0 END
        WHERE id = $1 AND token = $2 AND state IN ('submitted', 'processing')";

    RENEW = "UPDATE leases SET expires_ms = $3, revision = revision + CASE WHEN $4 > progress THEN 1 ELSE 0 END,
            progress = CASE WHEN $4 > progress THEN $4 ELSE progress END
        WHERE job_seq = (SELECT seq FROM jobs WHERE id = $1) AND token = $2";

    READ_JOB_ROW = "SELECT seq, id, owner, state, token, attempts, crashes, winner_token, input_size FROM jobs WHERE id = $1";

    COMPLETE = concat!("UPDATE jobs SET state = 'completed', ended_ms = $3, winner_token = $2, measured = $4, processing_ms = $5,
            progress = ", greater!("progress", "$6"), ", revision = revision + 1 + $7
        WHERE seq = $1 AND token = $2 AND state IN ('submitted', 'processing')");

    INSERT_OUTPUT = "INSERT INTO outputs (job_seq, place, format, object_key, size, sha256, ended_ms)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";

    INSERT_USAGE = "INSERT INTO usage (job_id, owner, ended_ms, input_bytes, output_bytes, frames, processing_ms)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";

    FAIL = concat!("UPDATE jobs SET state = 'failed', ended_ms = $3, winner_token = $4, failure = $5, attempts = $6, crashes = $7,
            progress = ", greater!("progress", "$8"), ", revision = revision + 1 + $9
        WHERE seq = $1 AND token = $2 AND state IN ('queued', 'submitted', 'processing')");

    REQUEUE = concat!("UPDATE jobs SET state = 'queued', not_before_ms = COALESCE($3, not_before_ms), attempts = $4, crashes = $5,
            progress = ", greater!("progress", "$6"), ", revision = revision + 1 + $7
        WHERE seq = $1 AND token = $2 AND state IN ('submitted', 'processing')");

    DROP_LEASES = "DELETE FROM leases WHERE job_seq = $1";

    FIND_EXPIRED_LEASES = "SELECT j.id, l.token FROM leases l JOIN jobs j ON j.seq = l.job_seq
        WHERE l.expires_ms <= $1 ORDER BY l.expires_ms, l.job_seq, l.token LIMIT 1000";

    RENEW_ALL = "UPDATE leases SET expires_ms = $1";

    MAKE_DELAYED_JOBS_DUE = "UPDATE jobs SET not_before_ms = $1 WHERE state = 'queued' AND not_before_ms > $2";

    FIND_EXPIRED_INPUTS = concat!("SELECT seq, input_key FROM jobs WHERE input_key IS NOT NULL AND ended_ms IS NOT NULL
            AND ended_ms + ", smaller!("$2", "COALESCE(retention_ms, $2)"), " <= $1
        ORDER BY ended_ms LIMIT 1000");

    FORGET_INPUT = "UPDATE jobs SET input_key = NULL WHERE seq = $1";

    FORGET_ADDRESSES = concat!("UPDATE jobs SET input_url = NULL WHERE input_url IS NOT NULL AND ended_ms IS NOT NULL
            AND ended_ms + ", smaller!("$2", "COALESCE(retention_ms, $2)"), " <= $1");

    FIND_EXPIRED_OUTPUTS = concat!("SELECT o.job_seq, o.place, o.object_key FROM outputs o JOIN jobs j ON j.seq = o.job_seq
        WHERE o.removed_ms IS NULL AND o.ended_ms + ", smaller!("$2", "COALESCE(j.retention_ms, $2)"), " <= $1
        ORDER BY o.ended_ms LIMIT 1000");

    FORGET_OUTPUT = "UPDATE outputs SET removed_ms = $3 WHERE job_seq = $1 AND place = $2";

    IS_POINTED_TO = "SELECT EXISTS (SELECT 1 FROM jobs WHERE input_key = $1)
        OR EXISTS (SELECT 1 FROM outputs WHERE object_key = $1 AND removed_ms IS NULL)
        OR EXISTS (SELECT 1 FROM parts WHERE object_key = $1)
        OR EXISTS (SELECT 1 FROM uploads WHERE object_key = $1)
        OR EXISTS (SELECT 1 FROM uploads WHERE partial_key = $1)";

    COUNT_QUEUED = "SELECT (SELECT COUNT(*) FROM jobs WHERE state = 'queued') + (SELECT COUNT(*) FROM parts WHERE state = 'waiting')";

    COUNT_LEASED = "SELECT COUNT(*) FROM leases";

    // Each minimum is the first entry of an index.
    LONGEST_READY = "SELECT MIN(ready_ms) FROM (SELECT MIN(not_before_ms) AS ready_ms FROM jobs WHERE state = 'queued'
        UNION ALL SELECT MIN(not_before_ms) AS ready_ms FROM parts WHERE state = 'waiting') AS ready";

    COUNT_EXPIRED_LEASES = "SELECT COUNT(*) FROM leases WHERE expires_ms <= $1";

    INSERT_KEY = "INSERT INTO api_keys (hash, prefix, name, created_ms) VALUES ($1, $2, $3, $4) RETURNING id";

    LIST_KEYS = "SELECT id, prefix, name, created_ms, last_used_ms, revoked_ms,
            max_running, max_waiting, submits_per_minute, requests_per_minute
        FROM api_keys ORDER BY id";

    FIND_KEY = "SELECT id, prefix, name, created_ms, last_used_ms, revoked_ms,
            max_running, max_waiting, submits_per_minute, requests_per_minute
        FROM api_keys WHERE hash = $1";

    REVOKE_KEY = "UPDATE api_keys SET revoked_ms = $2 WHERE id = $1 AND revoked_ms IS NULL";

    LIMIT_KEY = "UPDATE api_keys SET max_running = $2, max_waiting = $3, submits_per_minute = $4, requests_per_minute = $5
        WHERE id = $1";

    INSERT_UPLOAD = "INSERT INTO uploads (id, owner, length, received, metadata, partial_key, created_ms, expires_ms)
        VALUES ($1, $2, $3, 0, $4, $5, $6, $7)";

    READ_UPLOAD = "SELECT id, owner, length, received, metadata, object_key, sha256, expires_ms FROM uploads
        WHERE id = $1 AND expires_ms > $2
            AND EXISTS (SELECT 1 FROM api_keys k WHERE k.id = uploads.owner AND k.revoked_ms IS NULL)";

    ADVANCE_UPLOAD = "UPDATE uploads SET received = $3, length = COALESCE(length, $4)
        WHERE id = $1 AND received = $2 AND object_key IS NULL";

    FINISH_UPLOAD = "UPDATE uploads SET length = $3, received = $3, object_key = $2, sha256 = $4, partial_key = NULL, expires_ms = $5
        WHERE id = $1 AND object_key IS NULL";

    FIND_UPLOAD_OBJECTS = "SELECT partial_key, object_key FROM uploads WHERE id = $1";

    DROP_UPLOAD = "DELETE FROM uploads WHERE id = $1";

    FIND_EXPIRED_UPLOADS = "SELECT id, partial_key, object_key FROM uploads WHERE expires_ms <= $1
        ORDER BY expires_ms LIMIT 1000";

    SET_INPUT = "UPDATE jobs SET input_key = $2, input_size = $3, input_sha256 = $4, input_url = NULL WHERE seq = $1";

    USED_BYTES = concat!("SELECT CAST(
        (SELECT COALESCE(SUM(size), 0) FROM (
            SELECT input_key AS object_key, input_size AS size FROM jobs WHERE owner = $1 AND input_key IS NOT NULL
            UNION SELECT object_key, received FROM uploads WHERE owner = $1 AND object_key IS NOT NULL) AS inputs)
        + (SELECT COALESCE(SUM(", greater!("received", "COALESCE(length, 0)"), "), 0) FROM uploads
            WHERE owner = $1 AND object_key IS NULL)
        + (SELECT COALESCE(SUM(o.size), 0) FROM outputs o JOIN jobs j ON j.seq = o.job_seq
            WHERE j.owner = $1 AND o.removed_ms IS NULL) AS BIGINT)");

    STORAGE_LIMITS = "SELECT retention_ms, quota_bytes FROM api_keys WHERE id = $1";

    SET_STORAGE_LIMITS = "UPDATE api_keys SET retention_ms = $2, quota_bytes = $3 WHERE id = $1";

    TOUCH_KEY = "UPDATE api_keys SET last_used_ms = $2 WHERE id = $1";

    FIND_IDEMPOTENCY_KEY = "SELECT body, job_id FROM idempotency_keys WHERE owner = $1 AND key = $2";

    HAS_IDEMPOTENCY_KEY = "SELECT EXISTS (SELECT 1 FROM idempotency_keys WHERE owner = $1 AND key = $2 AND created_ms > $3)";

    INSERT_IDEMPOTENCY_KEY = "INSERT INTO idempotency_keys (owner, key, body, job_id, created_ms) VALUES ($1, $2, $3, $4, $5)";

    DELETE_OLD_IDEMPOTENCY_KEYS = "DELETE FROM idempotency_keys WHERE created_ms <= $1";

    LIST_JOBS = concat!("SELECT j.*, ", reached_columns!("j.seq"), " FROM jobs j
        WHERE j.owner = $1 AND j.created_ms >= $2 AND (j.created_ms, j.id) < ($3, $4)
        ORDER BY j.created_ms DESC, j.id DESC LIMIT $5");

    LIST_JOBS_IN_STATE = concat!("SELECT j.*, ", reached_columns!("j.seq"), "
        FROM jobs j", indexed_by!("jobs_by_state"), "
        WHERE j.owner = $1 AND j.state = $6 AND j.created_ms >= $2 AND (j.created_ms, j.id) < ($3, $4)
        ORDER BY j.created_ms DESC, j.id DESC LIMIT $5");

    READ_OWNED_JOB_ROW = "SELECT seq, id, owner, state, token, attempts, crashes, winner_token, input_size, input_key, input_sha256,
            input_url
        FROM jobs WHERE id = $1 AND owner = $2";

    FIND_KEPT_OUTPUTS = "SELECT object_key FROM outputs WHERE job_seq = $1 AND removed_ms IS NULL ORDER BY place";

    DELETE_OUTPUTS = "DELETE FROM outputs WHERE job_seq = $1";

    DELETE_JOB = "DELETE FROM jobs WHERE seq = $1";

    RETRY = "INSERT INTO jobs (id, owner, state, request, input_key, input_size, input_sha256, input_url, retention_ms,
            created_ms, not_before_ms, retry_of, clip_name)
        SELECT $2, owner, 'queued', request, input_key, input_size, input_sha256, input_url,
            (SELECT retention_ms FROM api_keys WHERE id = j.owner), $3, $3, id, clip_name FROM jobs j WHERE seq = $1
        RETURNING seq";

    COUNT_AHEAD = concat!("SELECT (SELECT COUNT(*) FROM jobs a", indexed_by!("jobs_line"), " WHERE a.state = 'queued' AND a.owner = $2
            AND (a.not_before_ms, a.seq) < (j.not_before_ms, j.seq))
        FROM jobs j WHERE j.id = $1 AND j.owner = $2 AND j.state = 'queued'");

    FIND_BACKLOGS = concat!("SELECT q.owner, COUNT(*) AS waiting, COALESCE(MAX(t.turn), 0) AS turn, MIN(q.not_before_ms) AS since,
            (SELECT f.seq FROM jobs f", indexed_by!("jobs_line"), " WHERE f.state = 'queued' AND f.owner = q.owner
                ORDER BY f.not_before_ms, f.seq LIMIT 1) AS first
        FROM jobs q LEFT JOIN turns t ON t.owner = q.owner WHERE q.state = 'queued' GROUP BY q.owner");

    MEAN_RECENT_PROCESSING = "SELECT CAST(AVG(processing_ms) AS DOUBLE PRECISION) FROM
        (SELECT processing_ms FROM usage ORDER BY ended_ms DESC, processing_ms DESC LIMIT $1) AS recent";

    USAGE_BY_DAY = "SELECT ended_ms / 86400000 AS day, COUNT(*) AS jobs, CAST(SUM(frames) AS BIGINT) AS frames,
            CAST(SUM(input_bytes) AS BIGINT) AS input_bytes, CAST(SUM(output_bytes) AS BIGINT) AS output_bytes,
            CAST(SUM(processing_ms) AS BIGINT) AS processing_ms
        FROM usage WHERE owner = $1 AND ended_ms >= $2 AND ended_ms < $3 GROUP BY day ORDER BY day";
}
