//! Keying of a clip's frames on several threads, with results in order.

use std::{collections::VecDeque, num::NonZeroUsize, sync::Arc};

use clearcut_frame::Frame;
use clearcut_job::{CutRequest, ShadowChoice};
use clearcut_matte::{KeySettings, KeyedFrame, Keyer, PocketTracker};

use crate::{hinting::HintMaps, threads::parallel_map};

/// The keyer settings of a request.
pub(crate) fn keyer_settings(request: &CutRequest) -> KeySettings {
    KeySettings { tolerance: request.tolerance.get(), keeps_shadows: request.shadow == ShadowChoice::Keep }
}

/// Mattes `frames` with `hints` on `workers` threads and passes the results to `emit` in input
/// order, until `emit` returns false.
///
/// Works in batches of `workers` frames. At most `2 × workers + 2 × Keyer::REACH` frames are held,
/// so a slow `emit` (the encoders) applies backpressure to the decoder. The result does not depend
/// on `workers`. A frame identical to its predecessor, as in a freeze frame, shares its matte.
pub(crate) fn matte_in_order(
    keyer: &Keyer,
    hints: &HintMaps,
    workers: NonZeroUsize,
    mut frames: impl Iterator<Item = Frame>,
    mut emit: impl FnMut(Frame, &KeyedFrame) -> bool,
) {
    let mut window: VecDeque<Arc<KeyedFrame>> = VecDeque::new();
    let mut last: Option<Frame> = None;
    let is_hinted = |index| hints.map(index).is_some();
    let mut pockets = PocketTracker::default();
    let mut count = 0;
    let mut next = 0; // Index in `window` of the first unfinished frame.
    loop {
        let batch: Vec<(usize, Frame)> = (count..).zip(frames.by_ref().take(workers.get())).collect();
        count += batch.len();
        let at_end = batch.is_empty();
        let repeats = find_repeats(&batch, last.as_ref(), is_hinted);
        last = batch.last().filter(|(index, _)| !is_hinted(*index)).map(|(_, frame)| frame.clone());
        let fresh = batch.into_iter().zip(&repeats).filter(|(_, repeats)| !**repeats).map(|(frame, _)| frame);
        let mut compared = parallel_map(fresh.collect(), |(index, frame)| keyer.compare(frame, hints.map(index)));
        for frame in &mut compared {
            pockets.classify(frame);
        }
        let mut keyed = parallel_map(compared, |frame| keyer.key(frame)).into_iter().map(Arc::new);
        for repeats in repeats {
            window.extend(if repeats { window.back().cloned() } else { keyed.next() });
        }
        let ready = if at_end { window.len() } else { window.len().saturating_sub(Keyer::REACH) };
        while next < ready {
            let until = ready.min(next + workers.get());
            let finished = parallel_map((next..until).collect(), |index| finish(keyer, &window, index));
            for (frame, keyed) in finished.into_iter().zip(window.range(next..until)) {
                if !emit(frame, keyed) {
                    return;
                }
            }
            next = until;
        }
        if at_end {
            return;
        }
        let obsolete = next.saturating_sub(Keyer::REACH);
        window.drain(..obsolete);
        next -= obsolete;
    }
}

/// For each frame of `batch`, whether it is identical to its predecessor. `last` is the predecessor
/// of the first.
///
/// Hint maps differ from frame to frame, so a frame with hints is neither a repeat nor repeated:
/// `last` is then `None`.
fn find_repeats(batch: &[(usize, Frame)], last: Option<&Frame>, is_hinted: impl Fn(usize) -> bool) -> Vec<bool> {
    let mut before = last;
    let mut repeats = Vec::with_capacity(batch.len());
    for (index, frame) in batch {
        let unhinted = (!is_hinted(*index)).then_some(frame);
        repeats.push(before.zip(unhinted).is_some_and(|(before, frame)| before.bytes() == frame.bytes()));
        before = unhinted;
    }
    repeats
}

fn finish(keyer: &Keyer, window: &VecDeque<Arc<KeyedFrame>>, index: usize) -> Frame {
    let before: Vec<&KeyedFrame> =
        window.range(index.saturating_sub(Keyer::REACH)..index).rev().map(Arc::as_ref).collect();
    let after: Vec<&KeyedFrame> =
        window.range(index + 1..window.len().min(index + 1 + Keyer::REACH)).map(Arc::as_ref).collect();
    keyer.finish(&before, &window[index], &after)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use clearcut_frame::{FrameFormat, Matrix, Rgb8, Size, Subsampling};
    use clearcut_matte::{Background, KeySettings};

    use super::*;

    const GREEN: Rgb8 = Rgb8::new(20, 190, 70);

    /// A green clip with a grey square that moves right by one pixel per frame.
    fn clip(length: usize) -> Vec<Frame> {
        let size = Size::new(64, 48).unwrap();
        let format = FrameFormat { size, subsampling: Subsampling::Half, has_alpha: false, matrix: Matrix::Bt709 };
        let green = format.matrix.ycc8(GREEN);
        let draw = |index: usize| {
            let mut frame = Frame::new(format);
            let [y, cb, cr, _] = frame.planes_mut();
            y.fill(green.y);
            cb.fill(green.cb);
            cr.fill(green.cr);
            for row in 16..32 {
                y[row * 64 + 8 + index..][..16].fill(120);
            }
            for row in 8..16 {
                cb[row * 32 + 4 + index / 2..][..8].fill(128);
                cr[row * 32 + 4 + index / 2..][..8].fill(128);
            }
            frame
        };
        (0..length).map(draw).collect()
    }

    fn keyer() -> Keyer {
        let background = Background::estimate(&clip(4), Some(GREEN)).unwrap();
        Keyer::new(background, KeySettings::default())
    }

    fn matted(length: usize, workers: usize) -> Vec<Frame> {
        let mut out = Vec::new();
        let workers = NonZeroUsize::new(workers).unwrap();
        matte_in_order(&keyer(), &HintMaps::default(), workers, clip(length).into_iter(), |frame, _| {
            out.push(frame);
            true
        });
        out
    }

    #[test]
    fn every_frame_is_emitted_once_and_in_order() {
        for length in [0, 1, 2, 3, 7] {
            for workers in [1, 2, 5] {
                let out = matted(length, workers);
                assert_eq!(out.len(), length);
                let left_edge = |frame: &Frame| {
                    frame.alpha().unwrap()[24 * 64..25 * 64].iter().position(|&alpha| alpha > 128).unwrap()
                };
                let edges: Vec<usize> = out.iter().map(left_edge).collect();
                assert!(
                    edges.is_sorted() && edges.iter().zip(8..).all(|(edge, at): (_, usize)| edge.abs_diff(at) <= 2),
                    "{edges:?}"
                );
            }
        }
    }

    #[test]
    fn the_result_does_not_depend_on_the_number_of_workers() {
        assert_eq!(matted(9, 1), matted(9, 4));
    }

    #[test]
    fn a_repeated_frame_shares_the_matte_of_its_predecessor() {
        let [a, b]: [Frame; 2] = clip(2).try_into().unwrap();
        let held = [&a, &a, &a, &b, &b, &a].map(Frame::clone);
        for workers in [1, 2, 5] {
            let mut seen = Vec::new();
            let workers = NonZeroUsize::new(workers).unwrap();
            matte_in_order(&keyer(), &HintMaps::default(), workers, held.clone().into_iter(), |frame, keyed| {
                seen.push((std::ptr::from_ref(keyed) as usize, frame.y().to_vec()));
                true
            });
            let shared: Vec<bool> = seen.windows(2).map(|pair| pair[0].0 == pair[1].0).collect();
            assert_eq!(shared, [true, true, false, true, false], "{workers} workers");
        }
    }

    #[test]
    fn a_hinted_frame_is_never_a_repeat() {
        let frame = clip(1).remove(0);
        let batch = [(0, frame.clone()), (1, frame.clone())];
        let repeats = |last, is_hinted: fn(usize) -> bool| find_repeats(&batch, last, is_hinted);
        assert_eq!(repeats(Some(&frame), |_| false), [true, true]);
        assert_eq!(repeats(None, |_| false), [false, true]);
        assert_eq!(repeats(Some(&frame), |index| index == 1), [true, false]);
        assert_eq!(repeats(Some(&frame), |index| index == 0), [false, false]);
    }

    #[test]
    fn a_slow_encoder_applies_backpressure_to_the_decoder() {
        let (pulled, emitted, max_held) = (Cell::new(0), Cell::new(0), Cell::new(0));
        let frames = clip(20).into_iter().inspect(|_| pulled.set(pulled.get() + 1));
        matte_in_order(&keyer(), &HintMaps::default(), NonZeroUsize::new(3).unwrap(), frames, |_, _| {
            max_held.set(max_held.get().max(pulled.get() - emitted.get()));
            emitted.set(emitted.get() + 1);
            true
        });
        let bound = 2 * 3 + 2 * Keyer::REACH;
        assert!((3..=bound).contains(&max_held.get()), "{} frames were held", max_held.get());
    }

    #[test]
    fn matting_ends_when_the_encoders_are_gone() {
        let pulled = Cell::new(0);
        let frames = clip(20).into_iter().inspect(|_| pulled.set(pulled.get() + 1));
        matte_in_order(&keyer(), &HintMaps::default(), NonZeroUsize::new(2).unwrap(), frames, |_, _| false);
        assert!(pulled.get() <= 2 * (2 + Keyer::REACH), "{} frames were decoded", pulled.get());
    }
}
