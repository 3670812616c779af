//! Failures of the connection or the server after which another attempt may succeed.

/// Whether another attempt may succeed.
pub(super) fn is_temporary(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::Protocol(_) => true,
        sqlx::Error::Database(refusal) => {
            // serialization_failure, deadlock_detected; admin_shutdown, crash_shutdown,
            // cannot_connect_now; too_many_connections. Class 08: connection exceptions.
            let codes = ["40001", "40P01", "57P01", "57P02", "57P03", "53300"];
            refusal.code().is_some_and(|code| code.starts_with("08") || codes.contains(&code.as_ref()))
        }
        _ => false,
    }
}
