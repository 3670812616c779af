//! Persistent worker threads, and the ordered map that runs on them.

use std::{
    any::Any,
    collections::VecDeque,
    fmt,
    num::NonZeroUsize,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::Arc,
    thread,
};

use crossbeam_channel::{Receiver, Sender, bounded};

type Task<'env> = Box<dyn FnOnce() + Send + 'env>;

/// The payload of a panic.
type Panic = Box<dyn Any + Send>;

/// Threads that work on the tasks of one or more [`Workers::map_in_order`], first come first
/// served.
pub struct Workers<'env> {
    /// `None` if no thread could be started.
    tasks: Option<Sender<Task<'env>>>,
    /// Number of items that each map works on at the same time.
    ahead: usize,
}

/// Starts `threads` threads, calls `run` on this thread, and ends the threads when it returns.
///
/// If the system cannot start all threads, fewer work; if it cannot start any, this thread does the
/// work. A panic of the work is resumed here after `run` has returned.
pub fn with_workers<'env, R>(threads: NonZeroUsize, run: impl FnOnce(&Workers<'env>) -> R) -> R {
    thread::scope(|scope| {
        let (sender, tasks) = bounded(threads.get());
        let start = |_| {
            let tasks = tasks.clone();
            thread::Builder::new().spawn_scoped(scope, move || run_tasks(&tasks)).ok()
        };
        let started: Vec<_> = (0..threads.get()).filter_map(start).collect();
        let workers = Workers { tasks: (!started.is_empty()).then_some(sender), ahead: threads.get() };
        let result = run(&workers);
        drop(workers); // Ends the threads.
        let panics = started.into_iter().filter_map(|thread| thread.join().unwrap_or_else(Some));
        if let Some(panic) = panics.reduce(|first, _| first) {
            resume_unwind(panic);
        }
        result
    })
}

/// Runs tasks until there will be no more, and returns the first panic. A task that waits while
/// another one panics must still run, because its result is waited for.
fn run_tasks(tasks: &Receiver<Task>) -> Option<Panic> {
    let panics = tasks.iter().filter_map(|task| catch_unwind(AssertUnwindSafe(task)).err());
    panics.reduce(|first, _| first)
}

impl<'env> Workers<'env> {
    /// Maps `items` on the worker threads. Results come out in input order.
    ///
    /// Works on as many items as there are threads: so many items and results are held, and a
    /// consumer that takes no results applies backpressure to `items`. Items are taken on the
    /// thread that takes the results. If the work panics, the results end early, and
    /// [`with_workers`] resumes the panic.
    pub fn map_in_order<I, R, F>(&self, items: I, work: F) -> impl Iterator<Item = R> + use<'_, 'env, I, R, F>
    where
        I: Iterator<Item: Send + 'env>,
        R: Send + 'env,
        F: Fn(I::Item) -> R + Send + Sync + 'env,
    {
        self.map_in_order_ahead(0, items, work)
    }

    /// [`Self::map_in_order`] that works on `extra` items more. Threads then have work while a slow
    /// consumer handles a result, or while `items` takes long for the next item.
    pub fn map_in_order_ahead<I, R, F>(
        &self,
        extra: usize,
        items: I,
        work: F,
    ) -> impl Iterator<Item = R> + use<'_, 'env, I, R, F>
    where
        I: Iterator<Item: Send + 'env>,
        R: Send + 'env,
        F: Fn(I::Item) -> R + Send + Sync + 'env,
    {
        let work = Arc::new(work);
        let mut items = items.fuse();
        let ahead = self.ahead + extra;
        let mut results = VecDeque::with_capacity(ahead);
        std::iter::from_fn(move || {
            while results.len() < ahead
                && let Some(item) = items.next()
            {
                let work = Arc::clone(&work);
                results.push_back(self.start(move || work(item)));
            }
            results.pop_front()?.recv().ok()
        })
    }

    /// Has a worker run `work`. Its result arrives at the receiver; a receiver without a sender
    /// means that the work has panicked.
    fn start<R: Send + 'env>(&self, work: impl FnOnce() -> R + Send + 'env) -> Receiver<R> {
        let (result_sender, result) = bounded(1);
        // The receiver is gone if the consumer has stopped early.
        let task = move || _ = result_sender.send(work());
        match &self.tasks {
            Some(tasks) => _ = tasks.send(Box::new(task)),
            None => task(),
        }
        result
    }
}

impl fmt::Debug for Workers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workers").field("ahead", &self.ahead).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Barrier,
        atomic::{AtomicUsize, Ordering::SeqCst},
    };

    use super::*;

    fn threads(count: usize) -> NonZeroUsize {
        NonZeroUsize::new(count).unwrap()
    }

    #[test]
    fn results_come_out_in_input_order() {
        let uneven = |item: u64| {
            if item.is_multiple_of(3) {
                thread::yield_now();
            }
            item * 2
        };
        for count in [1, 2, 5] {
            let out = with_workers(threads(count), |workers| {
                let doubled = workers.map_in_order(0..50, uneven);
                workers.map_in_order(doubled, uneven).collect::<Vec<_>>()
            });
            assert_eq!(out, (0..50).map(|item| item * 4).collect::<Vec<_>>());
        }
    }

    #[test]
    fn all_threads_work_at_the_same_time() {
        let barrier = Barrier::new(3); // Hangs unless three threads meet.
        let met = with_workers(threads(3), |workers| workers.map_in_order(0..3, |_| barrier.wait()).count());
        assert_eq!(met, 3);
    }

    #[test]
    fn a_slow_consumer_applies_backpressure_to_the_items() {
        let (taken, mut consumed) = (AtomicUsize::new(0), 0);
        let items = (0..100).inspect(|_| _ = taken.fetch_add(1, SeqCst));
        with_workers(threads(3), |workers| {
            for _ in workers.map_in_order(items, |item| item) {
                consumed += 1;
                // Each result is taken after the window of three was filled.
                assert_eq!(taken.load(SeqCst), (consumed + 2).min(100));
            }
        });
        assert_eq!(consumed, 100);
    }

    #[test]
    fn extra_items_are_worked_on_ahead() {
        let taken = AtomicUsize::new(0);
        let items = (0..100).inspect(|_| _ = taken.fetch_add(1, SeqCst));
        let first = with_workers(threads(3), |workers| workers.map_in_order_ahead(2, items, |item| item).next());
        assert_eq!((first, taken.into_inner()), (Some(0), 5));
    }

    #[test]
    fn work_ends_when_the_consumer_stops() {
        let worked = AtomicUsize::new(0);
        let first = with_workers(threads(2), |workers| {
            let mut results = workers.map_in_order(0..1000, |item| {
                worked.fetch_add(1, SeqCst);
                item
            });
            results.next()
        });
        assert_eq!(first, Some(0));
        assert!(worked.into_inner() <= 2);
    }

    /// The message of the panic with which `work` ends.
    fn panic_of(work: impl FnOnce()) -> &'static str {
        *catch_unwind(AssertUnwindSafe(work)).unwrap_err().downcast().unwrap()
    }

    #[test]
    fn a_panic_of_the_work_ends_the_results_and_is_resumed() {
        for count in [1, 2] {
            let mut results = Vec::new();
            let message = panic_of(|| {
                with_workers(threads(count), |workers| {
                    results.extend(workers.map_in_order(0..50, |item| {
                        assert!(item != 7, "work failed");
                        item
                    }));
                });
            });
            assert_eq!((message, results), ("work failed", (0..7).collect::<Vec<_>>()), "{count} threads");
        }
    }

    #[test]
    fn panics_of_all_threads_leave_no_consumer_waiting() {
        let fail_from_7 = |item: u32| {
            assert!(item < 7, "work failed");
            item
        };
        for count in [1, 2] {
            let message = panic_of(|| {
                with_workers(threads(count), |workers| {
                    let consume = || {
                        let first = workers.map_in_order(0..50, fail_from_7);
                        workers.map_in_order(first, fail_from_7).count()
                    };
                    thread::scope(|scope| {
                        scope.spawn(consume);
                        consume();
                    });
                });
            });
            assert_eq!(message, "work failed", "{count} threads");
        }
    }
}
