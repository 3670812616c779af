//! How a cut is ended from another thread, by its first error or from outside.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use clearcut_ffmpeg::{Child, KillHandle, MediaInfo, Probe};

use crate::Error;

/// Ends a cut from another thread: kills its child processes, so that every thread that waits for one wakes.
///
/// The first reason wins; what the other threads then complain of follows from it.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<State>);

#[derive(Debug, Default)]
struct State {
    stopped: AtomicBool,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    reason: Option<Error>,
    children: Vec<KillHandle>,
}

impl Stop {
    /// Asks the cut to end with [`Error::Cancelled`]. Returns at once; [`crate::cut`] returns when all children are gone.
    pub fn cancel(&self) {
        self.fail(Error::Cancelled);
    }

    /// Whether the cut has been asked to end, or has failed.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.0.stopped.load(Ordering::Relaxed)
    }

    /// Ends the cut for `reason`, unless it ended before.
    pub(crate) fn fail(&self, reason: Error) {
        let mut held = self.held();
        held.reason.get_or_insert(reason);
        self.0.stopped.store(true, Ordering::Relaxed);
        for child in held.children.drain(..) {
            child.kill();
        }
    }

    /// What a step of the cut has found; its error ends the cut.
    pub(crate) fn ok<T>(&self, found: Result<T, Error>) -> Option<T> {
        found.map_err(|error| self.fail(error)).ok()
    }

    /// Makes `child` end with the cut.
    pub(crate) fn covers(&self, child: Child) -> Child {
        self.kills([child.kill_handle()]);
        child
    }

    /// What the headers say. They may be those of a very long clip, so the cut ends here, too.
    pub(crate) fn wait_for_headers(&self, probe: Probe) -> Result<MediaInfo, Error> {
        self.kills([probe.kill_handle()]);
        let info = probe.info(|listing| self.kills([listing]));
        self.check()?;
        Ok(info?)
    }

    fn kills(&self, children: impl IntoIterator<Item = KillHandle>) {
        let mut held = self.held();
        if self.is_stopped() {
            children.into_iter().for_each(|child| child.kill());
        } else {
            held.children.extend(children);
        }
    }

    /// `Err` with the reason once stopped. The reason is given out once.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.is_stopped() { Err(self.held().reason.take().unwrap_or(Error::Cancelled)) } else { Ok(()) }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // Nothing panics while holding it; and a list of handles is valid at every moment.
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
