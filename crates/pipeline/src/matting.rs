use std::{collections::VecDeque, num::NonZeroUsize, thread};

use clearcut_frame::Picture;
use clearcut_matte::{Keyed, Keyer};

/// Mattes `pictures` on `workers` threads and hands the results to `emit` in input order, until `emit` says no.
///
/// Works in batches of `workers` pictures: at most `2 × workers + 2 × Keyer::REACH` of them are held, so a slow `emit` (the encoders)
/// holds the decoder back. The result does not depend on `workers`.
pub(crate) fn matte_in_order(
    keyer: &Keyer,
    workers: NonZeroUsize,
    mut pictures: impl Iterator<Item = Picture>,
    mut emit: impl FnMut(Picture) -> bool,
) {
    let mut window: VecDeque<Keyed> = VecDeque::new();
    let mut next = 0; // Index in `window` of the first picture that is not finished.
    loop {
        let batch: Vec<Picture> = pictures.by_ref().take(workers.get()).collect();
        let at_end = batch.is_empty();
        window.extend(in_parallel(batch, |picture| keyer.key(picture)));
        let ready = if at_end { window.len() } else { window.len().saturating_sub(Keyer::REACH) };
        while next < ready {
            let until = ready.min(next + workers.get());
            for picture in in_parallel((next..until).collect(), |index| finish(keyer, &window, index)) {
                if !emit(picture) {
                    return;
                }
            }
            next = until;
        }
        if at_end {
            return;
        }
        let past = next.saturating_sub(Keyer::REACH);
        window.drain(..past);
        next -= past;
    }
}

fn finish(keyer: &Keyer, window: &VecDeque<Keyed>, index: usize) -> Picture {
    let before: Vec<&Keyed> = window.range(index.saturating_sub(Keyer::REACH)..index).rev().collect();
    let after: Vec<&Keyed> = window.range(index + 1..window.len().min(index + 1 + Keyer::REACH)).collect();
    keyer.finish(&before, &window[index], &after)
}

/// Maps each item on a thread of its own, keeping the order.
fn in_parallel<T: Send, R: Send>(items: Vec<T>, map: impl Fn(T) -> R + Sync) -> Vec<R> {
    if items.len() < 2 {
        return items.into_iter().map(map).collect();
    }
    thread::scope(|scope| {
        let map = &map;
        let threads: Vec<_> = items.into_iter().map(|item| scope.spawn(move || map(item))).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}
