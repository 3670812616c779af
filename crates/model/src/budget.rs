use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How often one who waits looks whether it should go on waiting.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// The memory that all models of this process may take together. Cheap to clone; clones share it.
#[derive(Debug, Clone)]
pub struct MemoryBudget(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    total_mib: u32,
    used: Mutex<Used>,
    freed: Condvar,
}

#[derive(Debug, Default)]
struct Used {
    mib: u32,
    /// Who waits, the first first: a large one is not passed by small ones for ever.
    waiting: VecDeque<u64>,
    next_ticket: u64,
}

/// A share of the budget, given back when dropped.
#[derive(Debug)]
pub struct Reserved {
    shared: Arc<Shared>,
    mib: u32,
}

impl MemoryBudget {
    /// A budget of so many MiB.
    #[must_use]
    pub fn new(total_mib: u32) -> Self {
        Self(Arc::new(Shared { total_mib, used: Mutex::default(), freed: Condvar::new() }))
    }

    /// Waits until `mib` are free and takes them; who came first is first. One that wants more than there is gets all of it.
    /// `None` once `goes_on` says no.
    #[must_use]
    pub fn reserve(&self, mib: u32, goes_on: impl Fn() -> bool) -> Option<Reserved> {
        let shared = &self.0;
        let mib = mib.min(shared.total_mib);
        let mut used = shared.lock();
        let ticket = used.next_ticket;
        used.next_ticket += 1;
        used.waiting.push_back(ticket);
        loop {
            let fits = used.waiting.front() == Some(&ticket) && used.mib + mib <= shared.total_mib;
            let gives_up = !goes_on();
            if fits || gives_up {
                used.waiting.retain(|waiting| *waiting != ticket);
                used.mib += if gives_up { 0 } else { mib };
                drop(used);
                shared.freed.notify_all();
                return (!gives_up).then(|| Reserved { shared: Arc::clone(shared), mib });
            }
            let waited = shared.freed.wait_timeout(used, LOOK_INTERVAL);
            used = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Used> {
        // Nothing panics while holding it.
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.shared.lock().mib -= self.mib;
        self.shared.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicU32, Ordering},
        thread,
    };

    use super::*;

    #[test]
    fn jobs_together_never_take_more_than_there_is() {
        let (budget, now, most) = (MemoryBudget::new(100), AtomicU32::new(0), AtomicU32::new(0));
        thread::scope(|scope| {
            for mib in [60, 50, 40, 30, 500, 10, 60, 50] {
                let (budget, now, most) = (&budget, &now, &most);
                scope.spawn(move || {
                    for _ in 0..50 {
                        let held = budget.reserve(mib, || true).unwrap();
                        most.fetch_max(now.fetch_add(held.mib, Ordering::SeqCst) + held.mib, Ordering::SeqCst);
                        thread::yield_now();
                        now.fetch_sub(held.mib, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!((60..=100).contains(&most.into_inner()));
        assert_eq!(budget.0.lock().mib, 0);
    }

    #[test]
    fn who_gives_up_takes_nothing_and_lets_the_next_pass() {
        let budget = MemoryBudget::new(100);
        let held = budget.reserve(80, || true).unwrap();
        assert!(budget.reserve(30, || false).is_none());
        let small = budget.reserve(20, || true).unwrap();
        drop((held, small));
        let used = budget.0.lock();
        assert_eq!((used.mib, used.waiting.len()), (0, 0));
    }
}
