//! A parallel map with bounded memory whose results come out in input order.

use std::{collections::VecDeque, num::NonZeroUsize, thread};

use crossbeam_channel::{Receiver, bounded};

/// Runs `work` for each of `items` on `threads` threads and passes the results to `emit` in input
/// order, on the calling thread.
///
/// At most `threads + 2` items and results are in flight, so a slow `emit` or slow work applies
/// backpressure to `items`. Stops at the first error, in item order.
pub(crate) fn map_in_order<T: Send, R: Send, E: Send>(
    threads: NonZeroUsize,
    items: impl Iterator<Item = T>,
    work: impl Fn(T) -> Result<R, E> + Sync,
    mut emit: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E> {
    let window = threads.get() + 2;
    thread::scope(|scope| {
        // The number of receipts bounds the items in flight to `window`.
        let (task_sender, tasks) = bounded(window);
        let mut started = 0;
        for _ in 0..threads.get() {
            let (tasks, work) = (tasks.clone(), &work);
            let thread = thread::Builder::new().spawn_scoped(scope, move || {
                for (item, result_sender) in tasks {
                    let result_sender: crossbeam_channel::Sender<Result<R, E>> = result_sender;
                    // The send fails only after an error, when no one receives the result.
                    let _ = result_sender.send(work(item));
                }
            });
            started += usize::from(thread.is_ok());
        }
        drop(tasks);
        if started == 0 {
            // The system could not start any thread: work on this one.
            return items.map(&work).try_for_each(|result| result.and_then(&mut emit));
        }
        let mut receipts: VecDeque<Receiver<Result<R, E>>> = VecDeque::with_capacity(window);
        let mut emit_next = |receipts: &mut VecDeque<Receiver<Result<R, E>>>| {
            // A receipt without a result means that a thread panicked. The scope resumes the panic
            // when it ends.
            match receipts.pop_front().and_then(|receipt| receipt.recv().ok()) {
                Some(result) => result.and_then(&mut emit),
                None => Ok(()),
            }
        };
        for item in items {
            if receipts.len() == window {
                emit_next(&mut receipts)?;
            }
            let (result_sender, receipt) = bounded(1);
            if task_sender.send((item, result_sender)).is_err() {
                break;
            }
            receipts.push_back(receipt);
        }
        drop(task_sender);
        while !receipts.is_empty() {
            emit_next(&mut receipts)?;
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
    fn results_are_emitted_in_input_order() {
        for count in [1, 2, 5] {
            let mut out = Vec::new();
            let uneven = |item: u64| {
                if item.is_multiple_of(3) {
                    thread::yield_now();
                }
                Ok::<_, ()>(item * 2)
            };
            map_in_order(threads(count), 0..50, uneven, |result| {
                out.push(result);
                Ok(())
            })
            .unwrap();
            assert_eq!(out, (0..50).map(|item| item * 2).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_slow_emit_applies_backpressure_to_the_items() {
        let (taken, written, most) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
        let items = (0..100).inspect(|_| {
            let held = taken.fetch_add(1, Ordering::SeqCst) + 1 - written.load(Ordering::SeqCst);
            most.fetch_max(held, Ordering::SeqCst);
        });
        map_in_order(threads(3), items, Ok::<_, ()>, |_| {
            written.fetch_add(1, Ordering::SeqCst);
            Ok(())
        })
        .unwrap();
        // The window, and the item that waits to enter it.
        assert_eq!(most.into_inner(), 3 + 2 + 1);
    }

    #[test]
    fn the_first_error_in_item_order_stops_the_work() {
        let taken = AtomicUsize::new(0);
        let items = (0..1000).inspect(|_| _ = taken.fetch_add(1, Ordering::SeqCst));
        let work = |item: u32| if item == 7 || item == 5 { Err(item) } else { Ok(item) };
        assert_eq!(map_in_order(threads(4), items, work, |_| Ok(())), Err(5));
        assert!(taken.into_inner() < 20);
        assert_eq!(
            map_in_order(threads(2), 0..9, Ok, |item: u32| if item == 3 { Err("full") } else { Ok(()) }),
            Err("full")
        );
    }
}
