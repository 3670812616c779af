use std::{collections::VecDeque, num::NonZeroUsize, thread};

use clearcut_frame::Picture;
use clearcut_job::Speed;
use clearcut_matte::{Network, NetworkError, Pace, Segmenter, Shots, Trace};

use crate::{OpenNetwork, matting::in_parallel};

/// Pictures that are taken at once: as many as there are from key picture to key picture where little moves, so that the network
/// has something to do each time while those before are finished.
const BATCH: usize = 8;

/// How often the network is asked for how much time encoders may take.
pub(crate) const fn pace(speed: Speed) -> Pace {
    match speed {
        Speed::Best => Pace::Best,
        Speed::Balanced => Pace::Balanced,
        Speed::Fast => Pace::Fast,
    }
}

/// Mattes `pictures` with a network and hands the results to `emit` in input order, with the colour planes as they came in,
/// until `emit` says no.
///
/// The network works on one thread, on the pictures that came last; those before are finished on `workers` threads meanwhile.
/// At most `Segmenter::REACH + 3 × BATCH` pictures are held, so a slow `emit` (the encoders) holds the decoder back. The
/// result depends on neither.
///
/// # Errors
/// If the network gives no answer that can be used.
pub(crate) fn matte_by_network(
    mut opened: OpenNetwork,
    pace: Pace,
    workers: NonZeroUsize,
    mut pictures: impl Iterator<Item = Picture>,
    mut emit: impl FnMut(Picture, &[u8]) -> bool,
) -> Result<(), NetworkError> {
    let pace = if opened.network.has_states() { Pace::Every } else { pace };
    let mut clip = Clip::new(Segmenter::new(pace));
    loop {
        let batch: Vec<Picture> = pictures.by_ref().take(BATCH).collect();
        let at_end = batch.is_empty();
        let mut decided = clip.take(batch, workers);
        let (asked, finished) = thread::scope(|scope| {
            let (segmenter, network, decided) = (clip.segmenter, &mut opened.network, &mut decided);
            let asked = scope.spawn(move || ask(segmenter, decided, network.as_mut()));
            let finished = clip.finish(workers, false);
            (asked.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), finished)
        });
        asked?;
        clip.extend(decided, finished.len());
        let rest = if at_end { clip.finish(workers, true) } else { Vec::new() };
        for Finished { picture, seen } in finished.into_iter().chain(rest) {
            if !emit(picture, &seen) {
                return Ok(());
            }
        }
        if at_end {
            return Ok(());
        }
    }
}

/// A picture whose key pictures are not all known yet.
#[derive(Debug)]
struct Pending {
    picture: Picture,
    trace: Trace,
}

/// A picture that is done, and its colour planes as they came in.
struct Finished {
    picture: Picture,
    seen: Vec<u8>,
}

/// What of a clip is at hand.
#[derive(Debug)]
struct Clip {
    segmenter: Segmenter,
    shots: Shots,
    /// The last picture: whether it is a key picture shows with the one after it.
    last: Option<Pending>,
    /// Traces that the network has been asked about, as far as they await it.
    window: VecDeque<Trace>,
    /// The pictures of the last of them.
    waiting: VecDeque<Picture>,
}

impl Clip {
    fn new(segmenter: Segmenter) -> Self {
        let shots = segmenter.shots();
        Self { segmenter, shots, last: None, window: VecDeque::new(), waiting: VecDeque::new() }
    }

    /// Takes the next pictures, none at the end, and hands out those about which it is decided whether they are key pictures.
    fn take(&mut self, batch: Vec<Picture>, workers: NonZeroUsize) -> Vec<Pending> {
        let at_end = batch.is_empty();
        let mut decided: Vec<Pending> = self.last.take().into_iter().collect();
        let segmenter = &self.segmenter;
        let look = |picture: Picture| Pending { trace: segmenter.look(&picture), picture };
        for mut next in in_batches(batch, workers, look) {
            self.shots.settle(decided.last_mut().map(|before| &mut before.trace), &mut next.trace);
            decided.push(next);
        }
        if at_end {
            decided.last_mut().into_iter().for_each(|last| self.shots.end(&mut last.trace));
        } else {
            self.last = decided.pop();
        }
        decided
    }

    /// Finishes the pictures whose neighbours are all there; at the end those that wait.
    fn finish(&self, workers: NonZeroUsize, at_end: bool) -> Vec<Finished> {
        let held_back = if at_end { 0 } else { Segmenter::REACH };
        let first = self.window.len() - self.waiting.len();
        let ready = self.window.len().saturating_sub(held_back).max(first);
        let finish = |index: usize| {
            let picture = self.waiting[index - first].clone();
            let seen = picture.bytes()[..picture.format().without_alpha().byte_len()].to_vec();
            let before: Vec<&Trace> = self.window.range(index.saturating_sub(Segmenter::REACH)..index).rev().collect();
            let until = self.window.len().min(index + 1 + Segmenter::REACH);
            let after: Vec<&Trace> = self.window.range(index + 1..until).collect();
            Finished { picture: self.segmenter.finish(&before, picture, &self.window[index], &after), seen }
        };
        in_batches((first..ready).collect(), workers, finish)
    }

    /// Adds what the network was asked about, and lets go of the `finished` first pictures and the traces that nobody looks at
    /// again.
    fn extend(&mut self, decided: Vec<Pending>, finished: usize) {
        self.waiting.drain(..finished);
        for Pending { picture, trace } in decided {
            self.waiting.push_back(picture);
            self.window.push_back(trace);
        }
        let past = (self.window.len() - self.waiting.len()).saturating_sub(Segmenter::REACH);
        self.window.drain(..past);
    }
}

fn ask(segmenter: Segmenter, decided: &mut [Pending], network: &mut dyn Network) -> Result<(), NetworkError> {
    decided.iter_mut().try_for_each(|pending| segmenter.segment(&pending.picture, &mut pending.trace, network))
}

/// Maps the items in order, on at most `workers` threads at once.
fn in_batches<T: Send, R: Send>(items: Vec<T>, workers: NonZeroUsize, map: impl Fn(T) -> R + Sync) -> Vec<R> {
    let (mut items, mut mapped) = (items.into_iter(), Vec::new());
    loop {
        let batch: Vec<T> = items.by_ref().take(workers.get()).collect();
        if batch.is_empty() {
            return mapped;
        }
        mapped.extend(in_parallel(batch, &map));
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use clearcut_frame::{Matrix, PictureFormat, Size, Subsampling};
    use clearcut_matte::NetworkInput;

    use super::*;

    /// Takes what is bright for subject, and fails where it is told to.
    struct Bright {
        asked: usize,
        fails_at: usize,
    }

    impl Network for Bright {
        fn input(&self) -> NetworkInput {
            NetworkInput { width: 32, height: 24, mean: [0.0; 3], deviation: [1.0; 3] }
        }

        fn segment(&mut self, planes: &[f32]) -> Result<Vec<f32>, NetworkError> {
            self.asked += 1;
            let found = if self.asked == self.fails_at { f32::NAN } else { 0.0 };
            Ok(planes[..32 * 24].iter().map(|level| found + f32::from(u8::from(*level > 0.5))).collect())
        }
    }

    /// Grain with a bright square that moves right by a pixel a picture.
    fn clip(length: usize) -> Vec<Picture> {
        let size = Size::new(64, 48).unwrap();
        let format = PictureFormat { size, subsampling: Subsampling::Half, has_alpha: false, matrix: Matrix::Bt709 };
        let draw = |index: usize| {
            let mut picture = Picture::new(format);
            let [y, ..] = picture.planes_mut();
            for (at, y) in y.iter_mut().enumerate() {
                *y = 40 + (at * at * 31 % 23) as u8;
            }
            for row in 16..32 {
                y[row * 64 + 8 + index % 32..][..16].fill(220);
            }
            picture
        };
        (0..length).map(draw).collect()
    }

    fn opened(fails_at: usize) -> OpenNetwork {
        let network = Box::new(Bright { asked: 0, fails_at });
        OpenNetwork { network, model: "bright".to_owned(), held: Box::new(()) }
    }

    fn matted(length: usize, workers: usize) -> Vec<Picture> {
        let (mut out, workers) = (Vec::new(), NonZeroUsize::new(workers).unwrap());
        let emit = |picture: Picture, seen: &[u8]| {
            assert_eq!(seen, &clip(length)[out.len()].bytes()[..seen.len()]);
            out.push(picture);
            true
        };
        matte_by_network(opened(0), Pace::Balanced, workers, clip(length).into_iter(), emit).unwrap();
        out
    }

    #[test]
    fn every_picture_comes_out_once_in_order_for_every_number_of_workers() {
        for length in [0, 1, 2, 4, 5, 9, 21, 40] {
            let alone = matted(length, 1);
            assert_eq!(alone.len(), length);
            assert_eq!(matted(length, 3), alone, "{length} pictures");
            for (index, picture) in alone.iter().enumerate() {
                let alpha = picture.alpha().unwrap();
                assert!(
                    alpha[24 * 64 + 16 + index % 32] > 200 && alpha[4 * 64 + 60] < 50,
                    "picture {index} of {length}"
                );
            }
        }
    }

    #[test]
    fn a_slow_emitter_bounds_the_pictures_in_memory() {
        let (taken, emitted, most) = (Cell::new(0), Cell::new(0), Cell::new(0));
        let pictures = clip(90).into_iter().inspect(|_| taken.set(taken.get() + 1));
        matte_by_network(opened(0), Pace::Fast, NonZeroUsize::MIN, pictures, |_, _| {
            most.set(most.get().max(taken.get() - emitted.get()));
            emitted.set(emitted.get() + 1);
            true
        })
        .unwrap();
        assert_eq!(emitted.get(), 90);
        assert!(most.get() <= Segmenter::REACH + 3 * BATCH, "{} pictures were held", most.get());
    }

    #[test]
    fn an_answer_that_cannot_be_used_ends_the_clip() {
        let ended = matte_by_network(opened(3), Pace::Balanced, NonZeroUsize::MIN, clip(40).into_iter(), |_, _| true);
        assert!(matches!(ended, Err(NetworkError::NotANumber)), "{ended:?}");
    }

    #[test]
    fn an_emitter_that_says_no_is_not_asked_again() {
        let count = Cell::new(0);
        let emit = |_: Picture, _: &[u8]| {
            count.set(count.get() + 1);
            count.get() < 3
        };
        matte_by_network(opened(0), Pace::Best, NonZeroUsize::MIN, clip(40).into_iter(), emit).unwrap();
        assert_eq!(count.get(), 3);
    }
}
