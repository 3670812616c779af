//! Memory budget shared by works of one kind, such as all models of a process: each waits for its
//! share in order of arrival.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Interval at which a waiting caller checks whether it should go on waiting.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Limit of the memory of all works of one kind together. Cheap to clone; clones share the budget.
#[derive(Debug, Clone)]
pub struct MemoryBudget(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    total_mib: u32,
    usage: Mutex<Usage>,
    freed: Condvar,
}

#[derive(Debug, Default)]
struct Usage {
    mib: u32,
    /// Tickets of the waiting callers, oldest first. Small reservations do not overtake a large
    /// one.
    waiting: VecDeque<u64>,
    next_ticket: u64,
}

/// A share of the budget, released when dropped.
#[derive(Debug)]
pub struct Reserved {
    shared: Arc<Shared>,
    mib: u32,
}

impl MemoryBudget {
    /// A budget of `total_mib` MiB.
    #[must_use]
    pub fn new(total_mib: u32) -> Self {
        Self(Arc::new(Shared { total_mib, usage: Mutex::default(), freed: Condvar::new() }))
    }

    /// Waits until `mib` MiB are free and reserves them, in order of arrival. A reservation larger
    /// than the budget gets all of it. Returns `None` once `should_continue` returns false.
    #[must_use]
    pub fn reserve(&self, mib: u32, should_continue: impl Fn() -> bool) -> Option<Reserved> {
        let shared = &self.0;
        let mib = mib.min(shared.total_mib);
        let mut usage = shared.lock();
        let ticket = usage.next_ticket;
        usage.next_ticket += 1;
        usage.waiting.push_back(ticket);
        loop {
            let fits = usage.waiting.front() == Some(&ticket) && usage.mib + mib <= shared.total_mib;
            let is_cancelled = !should_continue();
            if fits || is_cancelled {
                usage.waiting.retain(|waiting| *waiting != ticket);
                usage.mib += if is_cancelled { 0 } else { mib };
                drop(usage);
                shared.freed.notify_all();
                return (!is_cancelled).then(|| Reserved { shared: Arc::clone(shared), mib });
            }
            let waited = shared.freed.wait_timeout(usage, POLL_INTERVAL);
            usage = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Usage> {
        // The lock is never poisoned: nothing panics while holding it.
        self.usage.lock().unwrap_or_else(PoisonError::into_inner)
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
    fn concurrent_reservations_never_exceed_the_budget() {
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
    fn a_cancelled_wait_reserves_nothing_and_does_not_block_the_next() {
        let budget = MemoryBudget::new(100);
        let held = budget.reserve(80, || true).unwrap();
        assert!(budget.reserve(30, || false).is_none());
        let small = budget.reserve(20, || true).unwrap();
        drop((held, small));
        let usage = budget.0.lock();
        assert_eq!((usage.mib, usage.waiting.len()), (0, 0));
    }
}
