//! Work on several threads whose results come out in order.

use std::{collections::VecDeque, num::NonZeroUsize, thread};

use crossbeam_channel::{Receiver, bounded};

/// Does `work` for each of `items` on `threads` threads and hands the results to `emit` in input order, on this thread.
///
/// At most `threads + 2` items and results are between the two: a slow `emit` or slow work holds `items` back. Stops at the first
/// error, in item order.
pub(crate) fn in_order<T: Send, R: Send, E: Send>(
    threads: NonZeroUsize,
    items: impl Iterator<Item = T>,
    work: impl Fn(T) -> Result<R, E> + Sync,
    mut emit: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E> {
    let window = threads.get() + 2;
    thread::scope(|scope| {
        // Bounded in items by the number of receipts, which is `window`.
        let (to_work, tasks) = bounded(window);
        let mut started = 0;
        for _ in 0..threads.get() {
            let (tasks, work) = (tasks.clone(), &work);
            let thread = thread::Builder::new().spawn_scoped(scope, move || {
                for (item, done) in tasks {
                    let done: crossbeam_channel::Sender<Result<R, E>> = done;
                    // Nobody waits for it any more after an error.
                    let _ = done.send(work(item));
                }
            });
            started += usize::from(thread.is_ok());
        }
        drop(tasks);
        if started == 0 {
            // The system has no thread to give.
            return items.map(&work).try_for_each(|result| result.and_then(&mut emit));
        }
        let mut receipts: VecDeque<Receiver<Result<R, E>>> = VecDeque::with_capacity(window);
        let mut finish_first = |receipts: &mut VecDeque<Receiver<Result<R, E>>>| {
            // A receipt without a result is a thread that panicked, which the scope hands on when it ends.
            match receipts.pop_front().and_then(|receipt| receipt.recv().ok()) {
                Some(result) => result.and_then(&mut emit),
                None => Ok(()),
            }
        };
        for item in items {
            if receipts.len() == window {
                finish_first(&mut receipts)?;
            }
            let (done, receipt) = bounded(1);
            if to_work.send((item, done)).is_err() {
                break;
            }
            receipts.push_back(receipt);
        }
        drop(to_work);
        while !receipts.is_empty() {
            finish_first(&mut receipts)?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        thread,
    };

    use super::*;

    fn threads(count: usize) -> NonZeroUsize {
        NonZeroUsize::new(count).unwrap()
    }

    #[test]
    fn results_come_in_the_order_of_the_items() {
        for count in [1, 2, 5] {
            let mut out = Vec::new();
            let uneven = |item: u64| {
                if item.is_multiple_of(3) {
                    thread::yield_now();
                }
                Ok::<_, ()>(item * 2)
            };
            in_order(threads(count), 0..50, uneven, |result| {
                out.push(result);
                Ok(())
            })
            .unwrap();
            assert_eq!(out, (0..50).map(|item| item * 2).collect::<Vec<_>>());
        }
    }

    #[test]
    fn slow_writing_holds_the_items_back() {
        let (taken, written, most) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
        let items = (0..100).inspect(|_| {
            let held = taken.fetch_add(1, Ordering::SeqCst) + 1 - written.load(Ordering::SeqCst);
            most.fetch_max(held, Ordering::SeqCst);
        });
        in_order(threads(3), items, Ok::<_, ()>, |_| {
            written.fetch_add(1, Ordering::SeqCst);
            Ok(())
        })
        .unwrap();
        // The window, and the item in the hand of the feeder.
        assert_eq!(most.into_inner(), 3 + 2 + 1);
    }

    #[test]
    fn the_first_error_in_item_order_ends_it() {
        let taken = AtomicUsize::new(0);
        let items = (0..1000).inspect(|_| _ = taken.fetch_add(1, Ordering::SeqCst));
        let work = |item: u32| if item == 7 || item == 5 { Err(item) } else { Ok(item) };
        assert_eq!(in_order(threads(4), items, work, |_| Ok(())), Err(5));
        assert!(taken.into_inner() < 20);
        assert_eq!(
            in_order(threads(2), 0..9, Ok, |item: u32| if item == 3 { Err("full") } else { Ok(()) }),
            Err("full")
        );
    }
}
