//! Calls that the database broke off are made again.

use std::time::{Duration, Instant};

use clearcut_job::error_line;

use super::temporary::is_temporary;
use crate::QueueError;

/// Pauses before a call is made again, shortened by up to a half so that calls that broke together
/// do not come back together. There are as many repetitions as pauses.
const PAUSES: [Duration; 3] = [Duration::from_millis(50), Duration::from_millis(200), Duration::from_millis(800)];

/// Longest time after its begin that a call is made again. A client waits for it.
const MAX_TIME: Duration = Duration::from_secs(10);

/// Makes `call`, a transaction, and makes it again if it broke before it was committed: the
/// connection was lost, the server ended, or two transactions were in each other's way. What became
/// of it is known then: nothing.
///
/// # Errors
/// Those of the last call. [`QueueError::Unanswered`] is never repeated: the change may have taken
/// place, or the server was waited for.
pub(super) async fn repeat<T, F>(call: impl Fn() -> F) -> Result<T, QueueError>
where
    F: Future<Output = Result<T, QueueError>>,
{
    let began = Instant::now();
    for pause in PAUSES {
        match call().await {
            Err(QueueError::Database(error)) if is_temporary(&error) && began.elapsed() < MAX_TIME => {
                tracing::debug!(error = error_line(&error), "a transaction broke; it is repeated");
            }
            ended => return ended,
        }
        let random = f64::from(getrandom::u32().unwrap_or(0)) / f64::from(u32::MAX);
        tokio::time::sleep(pause.mul_f64(1.0 - random / 2.0)).await;
    }
    call().await
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, io};

    use super::*;

    fn lost() -> sqlx::Error {
        sqlx::Error::Io(io::ErrorKind::ConnectionReset.into())
    }

    /// The number of calls, of which the first `failing` fail with `error`, and the result.
    async fn calls(failing: u32, error: impl Fn() -> QueueError) -> (u32, Result<(), QueueError>) {
        let calls = Cell::new(0);
        let ended = repeat(async || {
            calls.set(calls.get() + 1);
            if calls.get() <= failing { Err(error()) } else { Ok(()) }
        });
        let ended = ended.await;
        (calls.get(), ended)
    }

    #[tokio::test(start_paused = true)]
    async fn a_broken_call_is_repeated_three_times() {
        let broken = || QueueError::Database(lost());
        assert!(matches!(calls(0, broken).await, (1, Ok(()))));
        assert!(matches!(calls(3, broken).await, (4, Ok(()))));
        assert!(matches!(calls(9, broken).await, (4, Err(QueueError::Database(_)))));
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_have_taken_place_or_would_fail_alike_is_not_repeated() {
        assert!(matches!(calls(9, || QueueError::Unanswered(lost())).await, (1, Err(QueueError::Unanswered(_)))));
        assert!(matches!(calls(9, || QueueError::LeaseLost).await, (1, Err(QueueError::LeaseLost))));
        let refused = || QueueError::Database(sqlx::Error::RowNotFound);
        assert!(matches!(calls(9, refused).await, (1, Err(QueueError::Database(_)))));
    }
}
