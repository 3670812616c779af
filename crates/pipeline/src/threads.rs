//! Threads of a cut. Failing to start a thread is a temporary shortage of resources and an error,
//! not a panic.

use std::{
    sync::{Mutex, PoisonError},
    thread::{Builder, Scope, ScopedJoinHandle, scope},
};

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

/// Maps each item in parallel, keeping the order. Uses this thread and one more for each further
/// item; threads that fail to start are not needed.
pub(crate) fn parallel_map<T: Send, R: Send>(items: Vec<T>, map: impl Fn(T) -> R + Sync) -> Vec<R> {
    let extra_threads = items.len().saturating_sub(1);
    let waiting = Mutex::new(items.into_iter().enumerate());
    let work = || {
        let mut done = Vec::new();
        // A guard in the condition of a `while let` would be held during `map`.
        let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
        while let Some((index, item)) = next() {
            done.push((index, map(item)));
        }
        done
    };
    let mut done = scope(|scope| {
        let threads: Vec<_> = (0..extra_threads).map_while(|_| spawn(scope, work).ok()).collect();
        let mut done = work();
        done.extend(threads.into_iter().flat_map(join));
        done
    });
    done.sort_unstable_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}
