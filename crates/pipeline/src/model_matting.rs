//! Matting a clip's frames with a neural model on several threads, in order.

use std::{collections::VecDeque, num::NonZeroUsize, thread};

use clearcut_frame::Frame;
use clearcut_job::Speed;
use clearcut_matte::{ModelError, Pace, Segmenter, Trace};
use crossbeam_channel::{Receiver, Sender, bounded};

use crate::{
    Error, OpenModel,
    threads::{in_parallel, start},
};

/// Frames that may lie between two steps: as many as there are from keyframe to keyframe where little moves, so that no step waits
/// for another while the model works on one.
const AHEAD: usize = 8;

/// How often the model is asked for how much time encoders may take.
pub(crate) const fn pace(speed: Speed) -> Pace {
    match speed {
        Speed::Best => Pace::Best,
        Speed::Balanced => Pace::Balanced,
        Speed::Fast => Pace::Fast,
    }
}

/// Mattes `frames` with a model and hands the results to `emit` in input order, with the color planes as they came in,
/// until `emit` says no.
///
/// Three steps work at the same time: one thread decides which frames are keyframes, one asks the model about these, and
/// `workers` threads finish the frames whose neighbors are known. The model is let go as soon as it has seen the last frame. At most
/// `2 × AHEAD + Segmenter::REACH + workers + 3` frames are held, so a slow `emit` (the encoders) holds the decoder back. The result
/// depends on neither.
///
/// # Errors
/// If the model gives no answer that can be used, or the system has no threads to give.
pub(crate) fn matte_by_model(
    opened: OpenModel,
    pace: Pace,
    workers: NonZeroUsize,
    frames: impl Iterator<Item = Frame> + Send,
    emit: impl FnMut(Frame, &[u8]) -> bool,
) -> Result<(), Error> {
    let pace = if opened.model.has_states() { Pace::Every } else { pace };
    let segmenter = Segmenter::new(pace);
    thread::scope(|scope| {
        let (decided_to, decided) = bounded(AHEAD);
        let (answered_to, answered) = bounded(AHEAD);
        start(scope, move || decide(segmenter, frames, &decided_to))?;
        start(scope, move || ask(segmenter, opened, &decided, &answered_to))?;
        Ok(finish(segmenter, workers, &answered, emit)?)
    })
}

/// A frame on its way through the steps.
#[derive(Debug)]
struct Pending {
    frame: Frame,
    trace: Trace,
}

/// A frame that is done, and its color planes as they came in.
struct Finished {
    frame: Frame,
    seen: Vec<u8>,
}

/// Hands the frames on, each once it is known whether it is a keyframe, which the one after it shows.
fn decide(segmenter: Segmenter, frames: impl Iterator<Item = Frame>, decided: &Sender<Pending>) {
    let mut shots = segmenter.shots();
    let mut last: Option<Pending> = None;
    for frame in frames {
        let mut next = Pending { trace: segmenter.look(&frame), frame };
        shots.settle(last.as_mut().map(|before| &mut before.trace), &mut next.trace);
        if let Some(before) = last.replace(next)
            && decided.send(before).is_err()
        {
            return; // The next step has ended, and says why.
        }
    }
    if let Some(mut last) = last {
        shots.end(&mut last.trace);
        let _ = decided.send(last);
    }
}

/// Asks the model about the keyframes and hands all on, up to the first failure.
fn ask(
    segmenter: Segmenter,
    mut opened: OpenModel,
    decided: &Receiver<Pending>,
    answered: &Sender<Result<Pending, ModelError>>,
) {
    for mut pending in decided {
        let asked = segmenter.segment(&pending.frame, &mut pending.trace, opened.model.as_mut());
        let failed = asked.is_err();
        if answered.send(asked.map(|()| pending)).is_err() || failed {
            return;
        }
    }
}

/// Finishes the frames in order, as soon as the model was asked about those that they look at.
fn finish(
    segmenter: Segmenter,
    workers: NonZeroUsize,
    answered: &Receiver<Result<Pending, ModelError>>,
    mut emit: impl FnMut(Frame, &[u8]) -> bool,
) -> Result<(), ModelError> {
    let mut window = Window::default();
    let mut hand_on = |window: &mut Window, count: usize| {
        window.finish(segmenter, count).into_iter().all(|done| emit(done.frame, &done.seen))
    };
    for pending in answered {
        window.push(pending?);
        if window.waiting.len() == Segmenter::REACH + workers.get() && !hand_on(&mut window, workers.get()) {
            return Ok(());
        }
    }
    while !window.waiting.is_empty() {
        let count = workers.get().min(window.waiting.len());
        if !hand_on(&mut window, count) {
            return Ok(());
        }
    }
    Ok(())
}

/// What of a clip is at hand where it is finished.
#[derive(Debug, Default)]
struct Window {
    /// In time order: of frames that are done, as far as others look back at them, then of those that wait.
    traces: VecDeque<Trace>,
    /// The frames of the last of them.
    waiting: VecDeque<Frame>,
}

impl Window {
    fn push(&mut self, Pending { frame, trace }: Pending) {
        self.waiting.push_back(frame);
        self.traces.push_back(trace);
    }

    /// Finishes the first `count` frames that wait, each on a thread of its own, with what is at hand before and after them.
    fn finish(&mut self, segmenter: Segmenter, count: usize) -> Vec<Finished> {
        let first = self.traces.len() - self.waiting.len();
        let traces = &self.traces;
        let finish = |(index, frame): (usize, Frame)| {
            let seen = frame.bytes()[..frame.format().without_alpha().byte_len()].to_vec();
            let before: Vec<&Trace> = traces.range(index.saturating_sub(Segmenter::REACH)..index).rev().collect();
            let until = traces.len().min(index + 1 + Segmenter::REACH);
            let after: Vec<&Trace> = traces.range(index + 1..until).collect();
            Finished { frame: segmenter.finish(&before, frame, &traces[index], &after), seen }
        };
        let finished = in_parallel((first..).zip(self.waiting.drain(..count)).collect(), finish);
        let past = (first + count).saturating_sub(Segmenter::REACH);
        self.traces.drain(..past);
        finished
    }
}

#[cfg(test)]
mod tests {
    use std::{
        cell::Cell,
        sync::atomic::{AtomicUsize, Ordering::SeqCst},
        time::{Duration, Instant},
    };

    use clearcut_frame::{FrameFormat, Matrix, Size, Subsampling};
    use clearcut_matte::{ModelInput, SegmentationModel};
    use crossbeam_channel::RecvTimeoutError;

    use super::*;

    /// Nothing here takes so long unless it hangs.
    const LONG: Duration = Duration::from_secs(30);

    /// Takes what is bright for subject, and fails where it is told to.
    struct Bright {
        asked: usize,
        fails_at: usize,
    }

    impl SegmentationModel for Bright {
        fn input(&self) -> ModelInput {
            ModelInput { width: 32, height: 24, mean: [0.0; 3], deviation: [1.0; 3] }
        }

        fn segment(&mut self, planes: &[f32]) -> Result<Vec<f32>, ModelError> {
            self.asked += 1;
            let found = if self.asked == self.fails_at { f32::NAN } else { 0.0 };
            Ok(planes[..32 * 24].iter().map(|level| found + f32::from(u8::from(*level > 0.5))).collect())
        }
    }

    /// Grain with a bright square that moves right by a pixel a frame.
    fn clip(length: usize) -> Vec<Frame> {
        let size = Size::new(64, 48).unwrap();
        let format = FrameFormat { size, subsampling: Subsampling::Half, has_alpha: false, matrix: Matrix::Bt709 };
        let draw = |index: usize| {
            let mut frame = Frame::new(format);
            let [y, ..] = frame.planes_mut();
            for (at, y) in y.iter_mut().enumerate() {
                *y = 40 + (at * at * 31 % 23) as u8;
            }
            for row in 16..32 {
                y[row * 64 + 8 + index % 32..][..16].fill(220);
            }
            frame
        };
        (0..length).map(draw).collect()
    }

    fn opened(fails_at: usize) -> OpenModel {
        let model = Box::new(Bright { asked: 0, fails_at });
        OpenModel { model, id: "bright".to_owned(), held: Box::new(()) }
    }

    fn matted(length: usize, workers: usize) -> Vec<Frame> {
        let (mut out, workers) = (Vec::new(), NonZeroUsize::new(workers).unwrap());
        let emit = |frame: Frame, seen: &[u8]| {
            assert_eq!(seen, &clip(length)[out.len()].bytes()[..seen.len()]);
            out.push(frame);
            true
        };
        matte_by_model(opened(0), Pace::Balanced, workers, clip(length).into_iter(), emit).unwrap();
        out
    }

    #[test]
    fn every_frame_comes_out_once_in_order_for_every_number_of_workers() {
        for length in [0, 1, 2, 4, 5, 9, 21, 40] {
            let alone = matted(length, 1);
            assert_eq!(alone.len(), length);
            assert_eq!(matted(length, 3), alone, "{length} frames");
            for (index, frame) in alone.iter().enumerate() {
                let alpha = frame.alpha().unwrap();
                assert!(alpha[24 * 64 + 16 + index % 32] > 200 && alpha[4 * 64 + 60] < 50, "frame {index} of {length}");
            }
        }
    }

    #[test]
    fn a_slow_emitter_bounds_the_frames_in_memory() {
        // Between the steps, with the model, two that are decided about, those that await neighbors, and the one that is emitted.
        let most = 2 * AHEAD + 1 + 2 + Segmenter::REACH + 1;
        let (taken, mut emitted) = (AtomicUsize::new(0), 0);
        let frames = clip(90).into_iter().inspect(|_| {
            taken.fetch_add(1, SeqCst);
        });
        matte_by_model(opened(0), Pace::Fast, NonZeroUsize::MIN, frames, |_, _| {
            // As slow as it can be: until the steps before have taken all that they may.
            let deadline = Instant::now() + LONG;
            while taken.load(SeqCst) < 90.min(emitted + most) {
                assert!(Instant::now() < deadline, "{} frames were taken, {emitted} emitted", taken.load(SeqCst));
                thread::yield_now();
            }
            assert!(taken.load(SeqCst) <= emitted + most, "{} frames were held", taken.load(SeqCst) - emitted);
            emitted += 1;
            true
        })
        .unwrap();
        assert_eq!(emitted, 90);
    }

    #[test]
    fn the_model_is_let_go_before_the_last_frame_is_emitted() {
        let (held, let_go) = bounded::<()>(0);
        let (opened, mut emitted) = (OpenModel { held: Box::new(held), ..opened(0) }, 0);
        matte_by_model(opened, Pace::Balanced, NonZeroUsize::MIN, clip(40).into_iter(), |_, _| {
            emitted += 1;
            if emitted == 40 {
                assert_eq!(let_go.recv_timeout(LONG), Err(RecvTimeoutError::Disconnected));
            }
            true
        })
        .unwrap();
        assert_eq!(emitted, 40);
    }

    #[test]
    fn an_answer_that_cannot_be_used_ends_the_clip() {
        let ended = matte_by_model(opened(3), Pace::Balanced, NonZeroUsize::MIN, clip(40).into_iter(), |_, _| true);
        assert!(matches!(ended, Err(Error::ModelOutput(ModelError::NotANumber))), "{ended:?}");
    }

    #[test]
    fn an_emitter_that_says_no_is_not_asked_again() {
        let count = Cell::new(0);
        let emit = |_: Frame, _: &[u8]| {
            count.set(count.get() + 1);
            count.get() < 3
        };
        matte_by_model(opened(0), Pace::Best, NonZeroUsize::MIN, clip(40).into_iter(), emit).unwrap();
        assert_eq!(count.get(), 3);
    }
}
