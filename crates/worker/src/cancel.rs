//! Cancellation flag of a running cut, with hooks that wake or kill what the cut waits for.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

type Hook = Box<dyn FnOnce() + Send>;

/// Cancellation flag of a cut. Any thread may set it.
#[derive(Clone, Default)]
pub struct CancelFlag(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    cancelled: bool,
    hooks: Vec<Hook>,
}

impl CancelFlag {
    /// Sets the flag and runs all hooks before it returns.
    pub fn cancel(&self) {
        let mut state = self.state();
        state.cancelled = true;
        let hooks = std::mem::take(&mut state.hooks);
        drop(state);
        for hook in hooks {
            hook();
        }
    }

    /// Whether the flag is set.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.state().cancelled
    }

    /// Registers a hook that runs when the flag is set, or at once if it is set already. A hook
    /// wakes a waiting thread or kills a process.
    pub fn on_cancel(&self, hook: impl FnOnce() + Send + 'static) {
        let mut state = self.state();
        if state.cancelled {
            drop(state);
            hook();
        } else {
            state.hooks.push(Box::new(hook));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Hooks run outside the lock, so no thread can panic while it holds the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for CancelFlag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CancelFlag").field(&self.is_cancelled()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn a_hook_runs_once_whether_registered_before_or_after_cancellation() {
        let runs = Arc::new(AtomicU32::new(0));
        let hook = || {
            let runs = runs.clone();
            move || {
                runs.fetch_add(1, Ordering::SeqCst);
            }
        };
        let flag = CancelFlag::default();
        flag.on_cancel(hook());
        assert_eq!((runs.load(Ordering::SeqCst), flag.is_cancelled()), (0, false));
        flag.cancel();
        flag.cancel();
        flag.on_cancel(hook());
        assert_eq!((runs.load(Ordering::SeqCst), flag.is_cancelled()), (2, true));
    }
}
