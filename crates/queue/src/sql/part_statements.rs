//! SQL statements of the parts of split jobs.

use super::statements::statements;

statements! {
    // As `FIND_READY`, over the parts that wait.
    FIND_READY_PART = concat!("WITH RECURSIVE waiting (owner) AS (
            SELECT * FROM (SELECT owner FROM parts", indexed_by!("parts_line"), " WHERE state = 'waiting' ORDER BY owner LIMIT 1) AS w
            UNION ALL
            SELECT (SELECT n.owner FROM parts n", indexed_by!("parts_line"), " WHERE n.state = 'waiting' AND n.owner > w.owner ORDER BY n.owner LIMIT 1)
            FROM waiting w WHERE w.owner IS NOT NULL),
        running (owner, claims) AS (
            SELECT held.owner, COUNT(*) FROM (SELECT (SELECT j.owner FROM jobs j WHERE j.seq = l.job_seq) AS owner FROM leases l) AS held
            GROUP BY held.owner)
        SELECT p.seq AS part, p.place, p.progress AS part_progress, p.not_before_ms AS ready_ms,
            j.seq, j.id, j.owner, j.token, j.request, j.input_key, j.input_size, j.input_sha256, j.input_url,
            COALESCE(r.claims, 0) AS running, COALESCE(t.turn, 0) AS turn
        FROM waiting w", ordered_join!(), "api_keys k ON k.id = w.owner", ordered_join!(), "parts p
            ON p.seq = (SELECT f.seq FROM parts f", indexed_by!("parts_line"), " WHERE f.state = 'waiting' AND f.owner = w.owner
            AND f.not_before_ms <= $1 ORDER BY f.job_seq, f.place LIMIT 1)", ordered_join!(), "jobs j ON j.seq = p.job_seq
        LEFT JOIN running r ON r.owner = w.owner
        LEFT JOIN turns t ON t.owner = w.owner
        WHERE COALESCE(r.claims, 0) < COALESCE(k.max_running, $2)
        ORDER BY COALESCE(r.claims, 0), COALESCE(t.turn, 0), p.job_seq, p.place LIMIT 1");

    RAISE_TOKEN = "UPDATE jobs SET token = token + 1 WHERE seq = $1";

    CLAIM_PART = "UPDATE parts SET state = 'claimed' WHERE seq = $1 AND state = 'waiting'";

    READ_PARTS = "SELECT object_key, object_size, object_sha256, processing_ms FROM parts WHERE job_seq = $1 ORDER BY place";

    FIND_CLAIM = "SELECT j.seq, j.id, j.owner, j.state, j.token, j.attempts, j.crashes, j.winner_token, j.input_size,
            l.token AS claim_token, l.progress AS claim_progress, l.revision AS claim_revision, l.part,
            p.frames, p.attempts AS part_attempts, p.crashes AS part_crashes
        FROM leases l JOIN jobs j ON j.seq = l.job_seq LEFT JOIN parts p ON p.seq = l.part
        WHERE j.id = $1 AND l.token = $2";

    IS_CLAIMED = "SELECT EXISTS (SELECT 1 FROM leases l JOIN jobs j ON j.seq = l.job_seq WHERE j.id = $1 AND l.token = $2)";

    SPLIT = concat!("UPDATE jobs SET revision = revision + 1 + $2, progress = ", greater!("progress", "$3"), " WHERE seq = $1");

    INSERT_PART = "INSERT INTO parts (job_seq, place, owner, state, frames, progress, not_before_ms,
            object_key, object_size, object_sha256, processing_ms)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";

    DROP_CLAIM = "DELETE FROM leases WHERE job_seq = $1 AND token = $2";

    END_PART_CLAIM = concat!("UPDATE jobs SET revision = revision + $2, progress = ", greater!("progress", "$3"), " WHERE seq = $1");

    REQUEUE_PART = concat!("UPDATE parts SET state = 'waiting', not_before_ms = COALESCE($2, not_before_ms), attempts = $3, crashes = $4,
            progress = ", greater!("progress", "$5"), "
        WHERE seq = $1 AND state = 'claimed'");

    FINISH_SEGMENT = "UPDATE parts SET state = 'done', winner_token = $2, progress = $3,
            object_key = $4, object_size = $5, object_sha256 = $6, processing_ms = $7
        WHERE seq = $1 AND state = 'claimed'";

    HAS_WON = "SELECT EXISTS (SELECT 1 FROM parts p JOIN jobs j ON j.seq = p.job_seq WHERE j.id = $1 AND p.winner_token = $2)";

    OPEN_JOIN = "UPDATE parts SET state = 'waiting', not_before_ms = $2
        WHERE job_seq = $1 AND frames IS NULL AND state = 'blocked'
            AND NOT EXISTS (SELECT 1 FROM parts s WHERE s.job_seq = $1 AND s.frames IS NOT NULL AND s.state <> 'done')";

    END_PARTS = "UPDATE parts SET state = 'ended' WHERE job_seq = $1";

    FIND_PART_OBJECTS = "SELECT object_key FROM parts WHERE job_seq = $1 AND object_key IS NOT NULL ORDER BY place";

    DELETE_PARTS = "DELETE FROM parts WHERE job_seq = $1";

    FIND_ENDED_PARTS = "SELECT seq, object_key FROM parts WHERE state = 'ended' ORDER BY seq LIMIT 1000";

    FORGET_PART = "DELETE FROM parts WHERE seq = $1";

    MAKE_DELAYED_PARTS_DUE = "UPDATE parts SET not_before_ms = $1 WHERE state = 'waiting' AND not_before_ms > $2";
}
