use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use clearcut_ffmpeg::{Child, KillHandle};

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

    /// Makes `child` end with the cut.
    pub(crate) fn covers(&self, child: Child) -> Child {
        let mut held = self.held();
        if self.is_stopped() {
            child.kill_handle().kill();
        } else {
            held.children.push(child.kill_handle());
        }
        drop(held);
        child
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
