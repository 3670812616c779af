//! Threads of a cut. Failing to start a thread is a temporary shortage of resources and an error,
//! not a panic.

use std::thread::{Builder, Scope, ScopedJoinHandle};

use clearcut_ffmpeg::Error as ToolError;
use clearcut_job::is_shortage;

use crate::Error;

/// Spawns `work` on a new thread in `scope`.
///
/// # Errors
/// [`ToolError::Short`] if the system is out of threads. `work` is then dropped, with the channel
/// ends it owns.
pub(crate) fn spawn<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    work: impl FnOnce() -> T + Send + 'scope,
) -> Result<ScopedJoinHandle<'scope, T>, Error> {
    Builder::new().spawn_scoped(scope, work).map_err(|source| {
        let doing = "starting a thread";
        if is_shortage(&source) { ToolError::Short { program: doing }.into() } else { Error::Io { doing, source } }
    })
}

/// Waits for `thread` and returns its result, or resumes its panic.
pub(crate) fn join<T>(thread: ScopedJoinHandle<T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
