use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

type Hook = Box<dyn FnOnce() + Send>;

/// Asks a cut to end, from another thread.
#[derive(Clone, Default)]
pub struct CancelFlag(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    cancelled: bool,
    hooks: Vec<Hook>,
}

impl CancelFlag {
    /// Asks the cut to end. Returns when all hooks have run.
    pub fn cancel(&self) {
        let mut state = self.state();
        state.cancelled = true;
        let hooks = std::mem::take(&mut state.hooks);
        drop(state);
        for hook in hooks {
            hook();
        }
    }

    /// Whether the cut was asked to end.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.state().cancelled
    }

    /// Runs `hook` when the cut is asked to end; at once if it was already. For what has to be woken or killed.
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
        // Hooks run outside the lock, so nothing panics while holding it.
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
    fn hooks_run_once_whether_set_before_or_after() {
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
