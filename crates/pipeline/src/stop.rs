//! Stopping of a cut from another thread, by its first error or by the caller.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use clearcut_ffmpeg::{Child, KillHandle, MediaInfo, Probe};

use crate::Error;

/// Handle that stops a cut from another thread. Stopping kills the child processes, so that every
/// thread that waits for one wakes.
///
/// The first reason is kept. Errors that other threads report afterwards are its consequences.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    stopped: AtomicBool,
    state: Mutex<StopState>,
}

#[derive(Debug, Default)]
struct StopState {
    reason: Option<Error>,
    children: Vec<KillHandle>,
}

impl Stop {
    /// Stops the cut with [`Error::Cancelled`]. Returns at once; [`crate::cut`] returns when all
    /// child processes have ended.
    pub fn cancel(&self) {
        self.fail(Error::Cancelled);
    }

    /// Whether the cut was cancelled or has failed.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.0.stopped.load(Ordering::Relaxed)
    }

    /// Stops the cut with `reason`. An earlier reason is kept.
    pub(crate) fn fail(&self, reason: Error) {
        let mut state = self.state();
        state.reason.get_or_insert(reason);
        self.0.stopped.store(true, Ordering::Relaxed);
        for child in state.children.drain(..) {
            child.kill();
        }
    }

    /// The value of `result`. An error stops the cut and gives `None`.
    pub(crate) fn on_error<T>(&self, result: Result<T, Error>) -> Option<T> {
        result.map_err(|error| self.fail(error)).ok()
    }

    /// Registers `child` to be killed when the cut stops.
    pub(crate) fn register(&self, child: Child) -> Child {
        self.register_handles([child.kill_handle()]);
        child
    }

    /// Waits for the result of `probe`. Headers of a very long clip take time, so the cut can be
    /// stopped here, too.
    pub(crate) fn media_info(&self, probe: Probe) -> Result<MediaInfo, Error> {
        self.register_handles([probe.kill_handle()]);
        let info = probe.info(|listing| self.register_handles([listing]));
        self.check()?;
        Ok(info?)
    }

    fn register_handles(&self, children: impl IntoIterator<Item = KillHandle>) {
        let mut state = self.state();
        if self.is_stopped() {
            children.into_iter().for_each(|child| child.kill());
        } else {
            state.children.extend(children);
        }
    }

    /// `Err` with the reason if the cut is stopped. The reason is returned once; later calls return
    /// [`Error::Cancelled`].
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.is_stopped() { Err(self.state().reason.take().unwrap_or(Error::Cancelled)) } else { Ok(()) }
    }

    fn state(&self) -> MutexGuard<'_, StopState> {
        // Nothing panics while holding the lock, and the state is consistent at every point.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
