//! Threads of a cut. A system that has no thread to give is short of resources for a while; nothing panics.

use std::{
    sync::{Mutex, PoisonError},
    thread::{Builder, Scope, ScopedJoinHandle, scope},
};

use clearcut_ffmpeg::Error as ToolError;
use clearcut_job::is_shortage;

use crate::Error;

/// Starts `work` on a thread of its own in `scope`.
///
/// # Errors
/// [`ToolError::Short`] if the system has no thread to give. `work` is dropped, with the ends of channels that it holds.
pub(crate) fn start<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    work: impl FnOnce() -> T + Send + 'scope,
) -> Result<ScopedJoinHandle<'scope, T>, Error> {
    Builder::new().spawn_scoped(scope, work).map_err(|source| {
        let doing = "a thread of the cut";
        if is_shortage(&source) { ToolError::Short { program: doing }.into() } else { Error::Io { doing, source } }
    })
}

/// What a thread has found, or its panic.
pub(crate) fn joined<T>(thread: ScopedJoinHandle<T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Maps each item, keeping the order: on this thread and on further ones, as many as there are items, of which some may not start.
pub(crate) fn in_parallel<T: Send, R: Send>(items: Vec<T>, map: impl Fn(T) -> R + Sync) -> Vec<R> {
    let further = items.len().saturating_sub(1);
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
        let threads: Vec<_> = (0..further).map_while(|_| start(scope, work).ok()).collect();
        let mut done = work();
        done.extend(threads.into_iter().flat_map(joined));
        done
    });
    done.sort_unstable_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}
