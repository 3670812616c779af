//! Every statement there is, so that one test can prepare them all against the migrated schema.

macro_rules! statements {
    ($($name:ident = $text:expr;)*) => {
        $(pub(super) const $name: &str = $text;)*

        #[cfg(test)]
        pub(super) const ALL: &[(&str, &str)] = &[$((stringify!($name), $name),)*];
    };
}
pub(super) use statements;

statements! {
    VERSION = "SELECT sqlite_version()";

    SUBMIT = "INSERT INTO jobs (id, owner, state, request, input_key, input_size, input_sha256, created_ms, not_before_ms)
        VALUES (?1, ?2, 'queued', ?3, ?4, ?5, ?6, ?7, ?7)";

    READ_JOB = "SELECT j.*, l.progress AS lease_progress FROM jobs j LEFT JOIN leases l ON l.job_seq = j.seq
        WHERE j.id = ?1 AND j.owner = ?2";

    READ_OUTPUTS = "SELECT format, object_key, size, sha256 FROM outputs WHERE job_seq = ?1 ORDER BY place";

    FIND_READY = "SELECT seq, id, token, request, input_key, input_size, input_sha256, progress, not_before_ms
        FROM jobs WHERE state = 'queued' AND not_before_ms <= ?1 ORDER BY not_before_ms, seq LIMIT 1";

    CLAIM = "UPDATE jobs SET state = 'submitted', token = token + 1
        WHERE seq = ?1 AND token = ?2 AND state = 'queued'";

    INSERT_LEASE = "INSERT INTO leases (job_seq, token, worker, expires_ms, progress) VALUES (?1, ?2, ?3, ?4, ?5)";

    START = "UPDATE jobs SET state = 'processing', started_ms = COALESCE(started_ms, ?3)
        WHERE id = ?1 AND token = ?2 AND state IN ('submitted', 'processing')";

    RENEW = "UPDATE leases SET expires_ms = ?3, progress = MAX(progress, ?4)
        WHERE job_seq = (SELECT seq FROM jobs WHERE id = ?1) AND token = ?2";

    FIND_HELD = "SELECT j.seq, j.id, j.owner, j.state, j.token, j.attempts, j.crashes, j.winner_token, j.input_size,
            l.token AS lease_token
        FROM jobs j LEFT JOIN leases l ON l.job_seq = j.seq WHERE j.id = ?1";

    COMPLETE = "UPDATE jobs SET state = 'completed', ended_ms = ?3, winner_token = ?2, measured = ?4, processing_ms = ?5,
            progress = MAX(progress, (SELECT progress FROM leases WHERE job_seq = ?1))
        WHERE seq = ?1 AND token = ?2 AND state IN ('submitted', 'processing')";

    INSERT_OUTPUT = "INSERT INTO outputs (job_seq, place, format, object_key, size, sha256, ended_ms)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

    INSERT_USAGE = "INSERT INTO usage (job_id, owner, ended_ms, input_bytes, output_bytes, frames, processing_ms)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

    FAIL = "UPDATE jobs SET state = 'failed', ended_ms = ?3, winner_token = ?4, failure = ?5, attempts = ?6, crashes = ?7,
            progress = MAX(progress, COALESCE((SELECT progress FROM leases WHERE job_seq = ?1), 0))
        WHERE seq = ?1 AND token = ?2 AND state IN ('queued', 'submitted', 'processing')";

    REQUEUE = "UPDATE jobs SET state = 'queued', not_before_ms = COALESCE(?3, not_before_ms), attempts = ?4, crashes = ?5,
            progress = MAX(progress, (SELECT progress FROM leases WHERE job_seq = ?1))
        WHERE seq = ?1 AND token = ?2 AND state IN ('submitted', 'processing')";

    DROP_LEASE = "DELETE FROM leases WHERE job_seq = ?1";

    FIND_EXPIRED = "SELECT j.seq, j.id, j.owner, j.state, j.token, j.attempts, j.crashes, j.winner_token, j.input_size,
            l.token AS lease_token
        FROM leases l JOIN jobs j ON j.seq = l.job_seq
        WHERE l.expires_ms <= ?1 ORDER BY l.expires_ms, j.seq LIMIT 1000";

    EXPIRE_ALL_LEASES = "UPDATE leases SET expires_ms = MIN(expires_ms, ?1)";

    FIND_SPENT_INPUTS = "SELECT seq, input_key FROM jobs WHERE input_key IS NOT NULL AND ended_ms IS NOT NULL
        ORDER BY ended_ms LIMIT 1000";

    FORGET_INPUT = "UPDATE jobs SET input_key = NULL WHERE seq = ?1";

    FIND_OLD_OUTPUTS = "SELECT job_seq, place, object_key FROM outputs WHERE removed_ms IS NULL AND ended_ms <= ?1
        ORDER BY ended_ms LIMIT 1000";

    FORGET_OUTPUT = "UPDATE outputs SET removed_ms = ?3 WHERE job_seq = ?1 AND place = ?2";

    IS_POINTED_TO = "SELECT EXISTS (SELECT 1 FROM jobs WHERE input_key = ?1)
        OR EXISTS (SELECT 1 FROM outputs WHERE object_key = ?1 AND removed_ms IS NULL)";

    RUNNING_CLAIM = "SELECT l.token FROM leases l JOIN jobs j ON j.seq = l.job_seq WHERE j.id = ?1";

    COUNT_QUEUED = "SELECT COUNT(*) FROM jobs WHERE state = 'queued'";

    COUNT_LEASED = "SELECT COUNT(*) FROM leases";

    INSERT_KEY = "INSERT INTO api_keys (hash, prefix, name, created_ms) VALUES (?1, ?2, ?3, ?4)";

    LIST_KEYS = "SELECT id, prefix, name, created_ms, last_used_ms, revoked_ms FROM api_keys ORDER BY id";

    FIND_KEY = "SELECT id, prefix, name, created_ms, last_used_ms, revoked_ms FROM api_keys WHERE hash = ?1";

    REVOKE_KEY = "UPDATE api_keys SET revoked_ms = ?2 WHERE id = ?1 AND revoked_ms IS NULL";

    TOUCH_KEY = "UPDATE api_keys SET last_used_ms = ?2 WHERE id = ?1";
}
