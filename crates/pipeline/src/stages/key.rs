//! Matting of a clip's frames by color on several threads, with results in order.

use std::{num::NonZeroUsize, sync::Arc};

use clearcut_frame::Frame;
use clearcut_job::{CutRequest, ShadowChoice};
use clearcut_matte::{KeySettings, KeyedFrame, Keyer, PocketTracker};
use clearcut_parallel::{Neighbors, with_neighbors, with_workers};

use super::hints::HintMaps;

/// The keyer settings of a request.
pub(crate) fn keyer_settings(request: &CutRequest) -> KeySettings {
    KeySettings { tolerance: request.tolerance.get(), keeps_shadows: request.shadow == ShadowChoice::Keep }
}

/// Mattes `frames` with `hints` on `threads` threads and passes the results to `emit` in input
/// order, until `emit` returns false.
///
/// Each of the three parallel steps holds `threads` frames, so a slow `emit` (the encoders) applies
/// backpressure to the decoder: at most `3 × threads + 2 × Keyer::REACH + 3` frames are held. The
/// result does not depend on `threads`. A frame identical to its predecessor, as in a freeze frame,
/// shares its matte.
pub(crate) fn matte_by_color(
    keyer: &Keyer,
    hints: &HintMaps,
    threads: NonZeroUsize,
    frames: impl Iterator<Item = Frame>,
    mut emit: impl FnMut(Frame, &KeyedFrame) -> bool,
) {
    with_workers(threads, |workers| {
        let fresh = skip_repeats(frames, |index| hints.map(index).is_some());
        let compared = workers.map_in_order(fresh, |fresh: Option<(usize, Frame)>| {
            fresh.map(|(index, frame)| keyer.compare(frame, hints.map(index)))
        });
        let mut pockets = PocketTracker::default();
        let classified = compared.map(|mut compared| {
            compared.as_mut().into_iter().for_each(|frame| pockets.classify(frame));
            compared
        });
        let keyed = workers.map_in_order(classified, |compared| compared.map(|frame| keyer.key(frame)));
        let neighbors = with_neighbors(Keyer::REACH, repeat_skipped(keyed).map(|keyed| (keyed, ())));
        let finished = workers.map_in_order(neighbors, |(keyed, ()): (Neighbors<KeyedFrame>, ())| {
            (keyer.finish(&keyed.before(), keyed.current(), &keyed.after()), keyed)
        });
        let _ = finished.into_iter().all(|(frame, keyed)| emit(frame, keyed.current()));
    });
}

/// Numbers the frames from 0, and replaces each frame that is identical to its predecessor by
/// `None`.
///
/// Hint maps differ from frame to frame, so a frame with hints is neither a repeat nor repeated.
fn skip_repeats(
    frames: impl Iterator<Item = Frame>,
    is_hinted: impl Fn(usize) -> bool,
) -> impl Iterator<Item = Option<(usize, Frame)>> {
    let mut frames = frames.enumerate().peekable();
    let mut is_repeat = false;
    std::iter::from_fn(move || {
        let (index, frame) = frames.next()?;
        let is_repeated = frames.peek().is_some_and(|(next_index, next)| {
            !is_hinted(index) && !is_hinted(*next_index) && next.bytes() == frame.bytes()
        });
        Some((!std::mem::replace(&mut is_repeat, is_repeated)).then_some((index, frame)))
    })
}

/// The inverse of [`skip_repeats`]: replaces each `None` by the item before it.
fn repeat_skipped<T>(items: impl Iterator<Item = Option<T>>) -> impl Iterator<Item = Arc<T>> {
    items.scan(None, |last, item| {
        *last = item.map(Arc::new).or_else(|| last.take());
        last.clone()
    })
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
        matte_by_color(&keyer(), &HintMaps::default(), workers, clip(length).into_iter(), |frame, _| {
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
            matte_by_color(&keyer(), &HintMaps::default(), workers, held.clone().into_iter(), |frame, keyed| {
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
        let fresh = |is_hinted: fn(usize) -> bool| -> Vec<Option<usize>> {
            let frames = std::iter::repeat_n(frame.clone(), 4);
            skip_repeats(frames, is_hinted).map(|fresh| fresh.map(|(index, _)| index)).collect()
        };
        assert_eq!(fresh(|_| false), [Some(0), None, None, None]);
        assert_eq!(fresh(|index| index == 1), [Some(0), Some(1), Some(2), None]);
        assert_eq!(fresh(|index| index == 3), [Some(0), None, None, Some(3)]);
    }

    #[test]
    fn a_slow_encoder_applies_backpressure_to_the_decoder() {
        let (pulled, emitted, max_held) = (Cell::new(0), Cell::new(0), Cell::new(0));
        let frames = clip(20).into_iter().inspect(|_| pulled.set(pulled.get() + 1));
        matte_by_color(&keyer(), &HintMaps::default(), NonZeroUsize::new(3).unwrap(), frames, |_, _| {
            max_held.set(max_held.get().max(pulled.get() - emitted.get()));
            emitted.set(emitted.get() + 1);
            true
        });
        let bound = 3 * 3 + 2 * Keyer::REACH + 3;
        assert!((9..=bound).contains(&max_held.get()), "{} frames were held", max_held.get());
    }

    #[test]
    fn matting_ends_when_the_encoders_are_gone() {
        let pulled = Cell::new(0);
        let frames = clip(20).into_iter().inspect(|_| pulled.set(pulled.get() + 1));
        matte_by_color(&keyer(), &HintMaps::default(), NonZeroUsize::new(2).unwrap(), frames, |_, _| false);
        assert!(pulled.get() <= 3 * 2 + 2 * Keyer::REACH + 3, "{} frames were decoded", pulled.get());
    }
}
