//! Blocking file access on threads of its own.

use std::io;

use crate::StoreError;

/// Runs blocking file access off the async threads.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => Ok(result?),
        Err(join_error) => Err(StoreError::Local(io::Error::other(join_error))),
    }
}
