//! SQL statements of webhook endpoints, events and deliveries.

use super::statements::statements;

/// Builds the query that reads deliveries, with `$which` as its condition and order.
macro_rules! deliveries {
    ($which:literal) => {
        concat!(
            "SELECT d.seq, d.id, d.state, d.due_ms, ev.kind, ev.happened_ms, COALESCE(e.url, u.url) AS url,
                CASE WHEN e.url IS NOT NULL THEN e.id END AS endpoint
            FROM webhook_deliveries d JOIN webhook_events ev ON ev.seq = d.event_seq
                JOIN webhook_endpoints e ON e.seq = d.endpoint_seq LEFT JOIN webhook_urls u ON u.job_seq = ev.job_seq ",
            $which
        )
    };
}

statements! {
    INSERT_ENDPOINT = "INSERT INTO webhook_endpoints (id, owner, url, host, link_base, events, description, secret, created_ms)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

    INSERT_IMPLICIT_ENDPOINT = "INSERT INTO webhook_endpoints (id, owner, events, description, secret, created_ms)
        VALUES ($1, $2, $3, '', $4, $5) ON CONFLICT (owner) WHERE url IS NULL DO NOTHING";

    COUNT_ENDPOINTS = "SELECT COUNT(*) FROM webhook_endpoints WHERE owner = $1 AND url IS NOT NULL";

    LIST_ENDPOINTS = "SELECT * FROM webhook_endpoints WHERE owner = $1 AND url IS NOT NULL ORDER BY seq";

    READ_ENDPOINT = "SELECT * FROM webhook_endpoints WHERE owner = $1 AND id = $2 AND url IS NOT NULL";

    READ_IMPLICIT_ENDPOINT = "SELECT * FROM webhook_endpoints WHERE owner = $1 AND url IS NULL";

    MOVE_ENDPOINT = "UPDATE webhook_endpoints SET url = $2, host = $3, link_base = $4 WHERE seq = $1";

    MOVE_PENDING_DELIVERIES = "UPDATE webhook_deliveries SET host = $2 WHERE endpoint_seq = $1 AND due_ms IS NOT NULL";

    SET_EVENTS = "UPDATE webhook_endpoints SET events = $2 WHERE seq = $1";

    SET_DESCRIPTION = "UPDATE webhook_endpoints SET description = $2 WHERE seq = $1";

    ENABLE = "UPDATE webhook_endpoints SET disabled_ms = NULL, disabled_reason = NULL WHERE seq = $1";

    DISABLE = "UPDATE webhook_endpoints SET disabled_ms = $2, disabled_reason = $3 WHERE seq = $1 AND disabled_ms IS NULL";

    DELETE_ENDPOINT = "DELETE FROM webhook_endpoints WHERE owner = $1 AND id = $2 AND url IS NOT NULL";

    SET_SECRETS = "UPDATE webhook_endpoints SET secret = $2, previous_secret = $3, previous_until_ms = $4 WHERE seq = $1";

    INSERT_JOB_URL = "INSERT INTO webhook_urls (job_seq, url, host, link_base) VALUES ($1, $2, $3, $4)";

    COPY_JOB_URL = "INSERT INTO webhook_urls (job_seq, url, host, link_base, gone_ms)
        SELECT $2, url, host, link_base, gone_ms FROM webhook_urls WHERE job_seq = $1";

    MARK_JOB_URL_GONE = "UPDATE webhook_urls SET gone_ms = $2 WHERE job_seq = $1";

    INSERT_EVENT = concat!("INSERT INTO webhook_events (job_seq, kind, happened_ms, progress, revision)
        SELECT j.seq, $2, $3, ", greater!("j.progress", "COALESCE(l.progress, 0)"), ", j.revision + COALESCE(l.revision, 0)
        FROM jobs j LEFT JOIN leases l ON l.job_seq = j.seq AND l.part IS NULL WHERE j.seq = $1 ON CONFLICT (job_seq, kind) DO NOTHING
        RETURNING seq");

    INSERT_TEST_EVENT = "INSERT INTO webhook_events (kind, happened_ms, progress, revision) VALUES ('webhook.test', $1, 0, 0)
        RETURNING seq";

    DELETE_OLD_TESTS = concat!("DELETE FROM webhook_events", indexed_by!("webhook_events_tests"), "
        WHERE job_seq IS NULL AND happened_ms <= $1");

    FIND_SUBSCRIBERS = "SELECT e.seq, e.id, COALESCE(e.host, u.host) AS host
        FROM webhook_endpoints e JOIN api_keys k ON k.id = e.owner
            LEFT JOIN webhook_urls u ON u.job_seq = $1 AND u.gone_ms IS NULL AND e.url IS NULL
        WHERE e.owner = $2 AND k.revoked_ms IS NULL AND e.disabled_ms IS NULL AND e.events LIKE '%,' || $3 || ',%'
            AND COALESCE(e.url, u.url) IS NOT NULL ORDER BY e.seq";

    INSERT_DELIVERY = "INSERT INTO webhook_deliveries (id, event_seq, endpoint_seq, host, state, due_ms)
        VALUES ($1, $2, $3, $4, 'pending', $5) RETURNING seq";

    FIND_JOB = "SELECT seq FROM jobs WHERE id = $1 AND owner = $2";

    READ_DELIVERY = deliveries!("WHERE d.seq = $1");

    LIST_JOB_DELIVERIES = deliveries!("WHERE ev.job_seq = $1 ORDER BY d.seq");

    LIST_ENDPOINT_DELIVERIES = deliveries!("WHERE e.seq = $1 ORDER BY d.seq DESC LIMIT 100");

    READ_ATTEMPTS = "SELECT began_ms, latency_ms, status, no_answer, reply FROM webhook_attempts
        WHERE delivery_seq = $1 ORDER BY number";

    FIND_REDELIVERY = "SELECT d.seq, d.leased_until_ms, e.disabled_ms
        FROM webhook_deliveries d JOIN webhook_events ev ON ev.seq = d.event_seq JOIN jobs j ON j.seq = ev.job_seq
            JOIN webhook_endpoints e ON e.seq = d.endpoint_seq
        WHERE d.id = $3 AND j.id = $2 AND j.owner = $1";

    REDELIVER = "UPDATE webhook_deliveries SET state = 'pending', tries = 0, due_ms = $2
        WHERE seq = $1 AND leased_until_ms IS NULL";

    COUNT_PENDING_DELIVERIES = "SELECT COUNT(*) FROM webhook_deliveries WHERE due_ms IS NOT NULL";

    HAS_DUE_DELIVERY = "SELECT EXISTS (SELECT 1 FROM webhook_deliveries WHERE due_ms <= $1)";

    // Skips from host to host in the index, so that many deliveries to one host cost the others
    // nothing.
    FIND_DUE_DELIVERY = "WITH RECURSIVE hosts (host) AS (
            SELECT MIN(host) FROM webhook_deliveries WHERE due_ms IS NOT NULL
            UNION ALL
            SELECT (SELECT MIN(d.host) FROM webhook_deliveries d WHERE d.due_ms IS NOT NULL AND d.host > hosts.host)
            FROM hosts WHERE hosts.host IS NOT NULL
        ), turns AS (
            SELECT (SELECT COUNT(*) FROM webhook_deliveries r WHERE r.host = hosts.host AND r.leased_until_ms > $1) AS running,
                (SELECT d.seq FROM webhook_deliveries d WHERE d.host = hosts.host AND d.due_ms <= $1
                    ORDER BY d.due_ms, d.seq LIMIT 1) AS seq
            FROM hosts WHERE hosts.host IS NOT NULL
        )
        SELECT d.seq FROM turns t JOIN webhook_deliveries d ON d.seq = t.seq WHERE t.running < $2
        ORDER BY t.running, d.due_ms, d.seq LIMIT 1";

    CLAIM_DELIVERY = "UPDATE webhook_deliveries SET claim = claim + 1, due_ms = $2, leased_until_ms = $2 WHERE seq = $1";

    READ_CLAIMED_DELIVERY = "SELECT d.id, d.claim, d.tries, d.host, e.owner, e.secret, e.previous_secret, e.previous_until_ms,
            COALESCE(e.url, u.url) AS url, COALESCE(e.link_base, u.link_base) AS link_base,
            ev.kind, ev.happened_ms, ev.progress, ev.revision, j.id AS job
        FROM webhook_deliveries d JOIN webhook_events ev ON ev.seq = d.event_seq
            JOIN webhook_endpoints e ON e.seq = d.endpoint_seq
            LEFT JOIN jobs j ON j.seq = ev.job_seq LEFT JOIN webhook_urls u ON u.job_seq = ev.job_seq
        WHERE d.seq = $1";

    FIND_CLAIMED_DELIVERY = "SELECT d.seq, d.endpoint_seq, e.url, ev.job_seq
        FROM webhook_deliveries d JOIN webhook_events ev ON ev.seq = d.event_seq
            JOIN webhook_endpoints e ON e.seq = d.endpoint_seq
        WHERE d.id = $1 AND d.claim = $2 AND d.leased_until_ms IS NOT NULL";

    INSERT_ATTEMPT = "INSERT INTO webhook_attempts (delivery_seq, number, began_ms, latency_ms, status, no_answer, reply)
        SELECT $1, COALESCE(MAX(number), 0) + 1, $2, $3, $4, $5, $6 FROM webhook_attempts WHERE delivery_seq = $1";

    FINISH_DELIVERY = "UPDATE webhook_deliveries SET state = $2, tries = tries + 1, due_ms = NULL, leased_until_ms = NULL WHERE seq = $1";

    RETRY_DELIVERY = "UPDATE webhook_deliveries SET tries = tries + 1, due_ms = $2, leased_until_ms = NULL WHERE seq = $1";

    RELEASE_DELIVERY = "UPDATE webhook_deliveries SET due_ms = $2, leased_until_ms = NULL WHERE seq = $1";

    STOP_ENDPOINT_DELIVERIES = "UPDATE webhook_deliveries SET state = 'stopped', due_ms = NULL, leased_until_ms = NULL
        WHERE endpoint_seq = $1 AND due_ms IS NOT NULL";

    STOP_JOB_DELIVERIES = "UPDATE webhook_deliveries SET state = 'stopped', due_ms = NULL, leased_until_ms = NULL
        WHERE endpoint_seq = $1 AND due_ms IS NOT NULL AND event_seq IN (SELECT seq FROM webhook_events WHERE job_seq = $2)";

    STOP_KEY_DELIVERIES = "UPDATE webhook_deliveries SET state = 'stopped', due_ms = NULL, leased_until_ms = NULL
        WHERE due_ms IS NOT NULL AND endpoint_seq IN (SELECT seq FROM webhook_endpoints WHERE owner = $1)";

    MAKE_FIRST_ATTEMPTS_DUE = "UPDATE webhook_deliveries SET due_ms = $1 WHERE due_ms > $1 AND tries = 0 AND leased_until_ms IS NULL";
}
