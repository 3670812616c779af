//! Keying a clip's pictures on several threads, in order.

use std::{collections::VecDeque, num::NonZeroUsize};

use clearcut_frame::Picture;
use clearcut_job::{CutRequest, ShadowChoice};
use clearcut_matte::{KeySettings, Keyed, Keyer, Pockets};

use crate::{hinting::Hinted, threads::in_parallel};

/// What of a request the keyer is to know.
pub(crate) fn key_settings(request: &CutRequest) -> KeySettings {
    KeySettings { tolerance: request.tolerance.get(), keeps_shadows: request.shadow == ShadowChoice::Keep }
}

/// Mattes `pictures`, of which `hinted` says more, on `workers` threads and hands the results to `emit` in input order, until `emit` says no.
///
/// Works in batches of `workers` pictures: at most `2 × workers + 2 × Keyer::REACH` of them are held, so a slow `emit` (the encoders)
/// holds the decoder back. The result does not depend on `workers`.
pub(crate) fn matte_in_order(
    keyer: &Keyer,
    hinted: &Hinted,
    workers: NonZeroUsize,
    mut pictures: impl Iterator<Item = Picture>,
    mut emit: impl FnMut(Picture, &Keyed) -> bool,
) {
    let mut window: VecDeque<Keyed> = VecDeque::new();
    let mut pockets = Pockets::default();
    let mut count = 0;
    let mut next = 0; // Index in `window` of the first picture that is not finished.
    loop {
        let batch: Vec<(usize, Picture)> = (count..).zip(pictures.by_ref().take(workers.get())).collect();
        count += batch.len();
        let at_end = batch.is_empty();
        let mut looked = in_parallel(batch, |(index, picture)| keyer.look(picture, hinted.map(index)));
        for picture in &mut looked {
            pockets.settle(picture);
        }
        window.extend(in_parallel(looked, |picture| keyer.key(picture)));
        let ready = if at_end { window.len() } else { window.len().saturating_sub(Keyer::REACH) };
        while next < ready {
            let until = ready.min(next + workers.get());
            let finished = in_parallel((next..until).collect(), |index| finish(keyer, &window, index));
            for (picture, keyed) in finished.into_iter().zip(window.range(next..until)) {
                if !emit(picture, keyed) {
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use clearcut_frame::{Matrix, PictureFormat, Rgb8, Size, Subsampling};
    use clearcut_matte::{Backdrop, KeySettings};

    use super::*;

    const GREEN: Rgb8 = Rgb8::new(20, 190, 70);

    /// Green with a grey square that moves right by a pixel a picture.
    fn clip(length: usize) -> Vec<Picture> {
        let size = Size::new(64, 48).unwrap();
        let format = PictureFormat { size, subsampling: Subsampling::Half, has_alpha: false, matrix: Matrix::Bt709 };
        let green = format.matrix.ycc8(GREEN);
        let draw = |index: usize| {
            let mut picture = Picture::new(format);
            let [y, cb, cr, _] = picture.planes_mut();
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
            picture
        };
        (0..length).map(draw).collect()
    }

    fn keyer() -> Keyer {
        let backdrop = Backdrop::estimate(&clip(4), Some(GREEN)).unwrap();
        Keyer::new(backdrop, KeySettings::default())
    }

    fn matted(length: usize, workers: usize) -> Vec<Picture> {
        let mut out = Vec::new();
        let workers = NonZeroUsize::new(workers).unwrap();
        matte_in_order(&keyer(), &Hinted::default(), workers, clip(length).into_iter(), |picture, _| {
            out.push(picture);
            true
        });
        out
    }

    #[test]
    fn every_picture_comes_out_once_and_in_order() {
        for length in [0, 1, 2, 3, 7] {
            for workers in [1, 2, 5] {
                let out = matted(length, workers);
                assert_eq!(out.len(), length);
                let left_edge = |picture: &Picture| {
                    picture.alpha().unwrap()[24 * 64..25 * 64].iter().position(|&alpha| alpha > 128).unwrap()
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
    fn a_slow_encoder_holds_the_decoder_back() {
        let (pulled, emitted, most) = (Cell::new(0), Cell::new(0), Cell::new(0));
        let pictures = clip(20).into_iter().inspect(|_| pulled.set(pulled.get() + 1));
        matte_in_order(&keyer(), &Hinted::default(), NonZeroUsize::new(3).unwrap(), pictures, |_, _| {
            most.set(most.get().max(pulled.get() - emitted.get()));
            emitted.set(emitted.get() + 1);
            true
        });
        let bound = 2 * 3 + 2 * Keyer::REACH;
        assert!((3..=bound).contains(&most.get()), "{} pictures were held", most.get());
    }

    #[test]
    fn nothing_more_is_matted_once_the_encoders_are_gone() {
        let pulled = Cell::new(0);
        let pictures = clip(20).into_iter().inspect(|_| pulled.set(pulled.get() + 1));
        matte_in_order(&keyer(), &Hinted::default(), NonZeroUsize::new(2).unwrap(), pictures, |_, _| false);
        assert!(pulled.get() <= 2 * (2 + Keyer::REACH), "{} pictures were decoded", pulled.get());
    }
}
