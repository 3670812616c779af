//! Matting of a clip's frames with a neural model on several threads, with results in order.

use std::{collections::VecDeque, num::NonZeroUsize, thread};

use clearcut_frame::Frame;
use clearcut_job::Speed;
use clearcut_matte::{ModelError, Pace, Segmenter, Trace};
use crossbeam_channel::{Receiver, Sender, bounded};

use crate::{
    Error, OpenModel,
    threads::{parallel_map, spawn},
};

/// Length of the queue between two steps, in frames: the keyframe interval in shots with little
/// motion, so that no step waits for another while the model works on a keyframe.
const QUEUE_LEN: usize = 8;

/// The keyframe pace of the model for an encoder speed.
pub(crate) const fn pace(speed: Speed) -> Pace {
    match speed {
        Speed::Best => Pace::Best,
        Speed::Balanced => Pace::Balanced,
        Speed::Fast => Pace::Fast,
    }
}

/// Mattes `frames` with a model and passes the results to `emit` in input order, together with the
/// source's color planes, until `emit` returns false.
///
/// Three steps run in parallel: one thread selects the keyframes, one runs the model on them, and
/// `workers` threads finish the frames whose neighbors are known. The model is dropped as soon as
/// it has processed the last frame. At most `2 × QUEUE_LEN + Segmenter::REACH + workers + 3` frames
/// are held, so a slow `emit` (the encoders) applies backpressure to the decoder. The result
/// depends neither on `workers` nor on timing.
///
/// # Errors
/// The model's output is unusable, or the system could not start a thread.
pub(crate) fn matte_with_model(
    open_model: OpenModel,
    pace: Pace,
    workers: NonZeroUsize,
    frames: impl Iterator<Item = Frame> + Send,
    emit: impl FnMut(Frame, &[u8]) -> bool,
) -> Result<(), Error> {
    let pace = if open_model.model.has_states() { Pace::Every } else { pace };
    let segmenter = Segmenter::new(pace);
    thread::scope(|scope| {
        let (selected_sender, selected) = bounded(QUEUE_LEN);
        let (segmented_sender, segmented) = bounded(QUEUE_LEN);
        spawn(scope, move || select_keyframes(segmenter, frames, &selected_sender))?;
        spawn(scope, move || run_model(segmenter, open_model, &selected, &segmented_sender))?;
        Ok(finish_frames(segmenter, workers, &segmented, emit)?)
    })
}

/// A frame that is passed from step to step.
#[derive(Debug)]
struct PendingFrame {
    frame: Frame,
    trace: Trace,
}

/// A finished frame and its color planes from the source.
struct FinishedFrame {
    frame: Frame,
    source_planes: Vec<u8>,
}

/// Step 1: decides for each frame whether it is a keyframe. This needs the next frame, so one frame
/// is held back.
fn select_keyframes(segmenter: Segmenter, frames: impl Iterator<Item = Frame>, selected: &Sender<PendingFrame>) {
    let mut shots = segmenter.shot_detector();
    let mut last: Option<PendingFrame> = None;
    for frame in frames {
        let mut next = PendingFrame { trace: segmenter.analyze(&frame), frame };
        shots.detect(last.as_mut().map(|before| &mut before.trace), &mut next.trace);
        if let Some(before) = last.replace(next)
            && selected.send(before).is_err()
        {
            return; // The next step has ended and reports the reason.
        }
    }
    if let Some(mut last) = last {
        shots.end(&mut last.trace);
        let _ = selected.send(last);
    }
}

/// Step 2: runs the model on the keyframes and passes on all frames, up to the first failure.
fn run_model(
    segmenter: Segmenter,
    mut open_model: OpenModel,
    selected: &Receiver<PendingFrame>,
    segmented: &Sender<Result<PendingFrame, ModelError>>,
) {
    for mut pending in selected {
        let result = segmenter.segment(&pending.frame, &mut pending.trace, open_model.model.as_mut());
        let failed = result.is_err();
        if segmented.send(result.map(|()| pending)).is_err() || failed {
            return;
        }
    }
}

/// Step 3: finishes the frames in order, as soon as the model has processed the neighbors they
/// depend on.
fn finish_frames(
    segmenter: Segmenter,
    workers: NonZeroUsize,
    segmented: &Receiver<Result<PendingFrame, ModelError>>,
    mut emit: impl FnMut(Frame, &[u8]) -> bool,
) -> Result<(), ModelError> {
    let mut window = Window::default();
    let mut emit_finished = |window: &mut Window, count: usize| {
        window.finish(segmenter, count).into_iter().all(|done| emit(done.frame, &done.source_planes))
    };
    for pending in segmented {
        window.push(pending?);
        if window.waiting.len() == Segmenter::REACH + workers.get() && !emit_finished(&mut window, workers.get()) {
            return Ok(());
        }
    }
    while !window.waiting.is_empty() {
        let count = workers.get().min(window.waiting.len());
        if !emit_finished(&mut window, count) {
            return Ok(());
        }
    }
    Ok(())
}

/// The part of a clip that is held for finishing frames.
#[derive(Debug, Default)]
struct Window {
    /// Traces in time order: of finished frames that later frames still depend on, then of the
    /// waiting frames.
    traces: VecDeque<Trace>,
    /// The unfinished frames, which belong to the last traces.
    waiting: VecDeque<Frame>,
}

impl Window {
    fn push(&mut self, PendingFrame { frame, trace }: PendingFrame) {
        self.waiting.push_back(frame);
        self.traces.push_back(trace);
    }

    /// Finishes the first `count` waiting frames, each on its own thread, with the traces before
    /// and after them.
    fn finish(&mut self, segmenter: Segmenter, count: usize) -> Vec<FinishedFrame> {
        let first = self.traces.len() - self.waiting.len();
        let traces = &self.traces;
        let finish = |(index, frame): (usize, Frame)| {
            let source_planes = frame.bytes()[..frame.format().without_alpha().byte_len()].to_vec();
            let before: Vec<&Trace> = traces.range(index.saturating_sub(Segmenter::REACH)..index).rev().collect();
            let until = traces.len().min(index + 1 + Segmenter::REACH);
            let after: Vec<&Trace> = traces.range(index + 1..until).collect();
            FinishedFrame { frame: segmenter.finish(&before, frame, &traces[index], &after), source_planes }
        };
        let finished = parallel_map((first..).zip(self.waiting.drain(..count)).collect(), finish);
        let obsolete = (first + count).saturating_sub(Segmenter::REACH);
        self.traces.drain(..obsolete);
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

    /// Timeout that no test reaches unless it hangs.
    const TIMEOUT: Duration = Duration::from_secs(30);

    /// A model that classifies bright pixels as subject and fails at call number `fails_at`.
    struct BrightnessModel {
        calls: usize,
        fails_at: usize,
    }

    impl SegmentationModel for BrightnessModel {
        fn input(&self) -> ModelInput {
            ModelInput { width: 32, height: 24, mean: [0.0; 3], deviation: [1.0; 3] }
        }

        fn segment(&mut self, planes: &[f32]) -> Result<Vec<f32>, ModelError> {
            self.calls += 1;
            let offset = if self.calls == self.fails_at { f32::NAN } else { 0.0 };
            Ok(planes[..32 * 24].iter().map(|level| offset + f32::from(u8::from(*level > 0.5))).collect())
        }
    }

    /// A clip of grain with a bright square that moves right by one pixel per frame.
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

    fn open_model(fails_at: usize) -> OpenModel {
        let model = Box::new(BrightnessModel { calls: 0, fails_at });
        OpenModel { model, id: "bright".to_owned(), held: Box::new(()) }
    }

    fn matted(length: usize, workers: usize) -> Vec<Frame> {
        let (mut out, workers) = (Vec::new(), NonZeroUsize::new(workers).unwrap());
        let emit = |frame: Frame, source_planes: &[u8]| {
            assert_eq!(source_planes, &clip(length)[out.len()].bytes()[..source_planes.len()]);
            out.push(frame);
            true
        };
        matte_with_model(open_model(0), Pace::Balanced, workers, clip(length).into_iter(), emit).unwrap();
        out
    }

    #[test]
    fn every_frame_is_emitted_once_and_in_order_for_every_number_of_workers() {
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
        // Two queues, one frame in the model, two in keyframe selection, those that wait for
        // neighbors, and the one that is emitted.
        let max_held = 2 * QUEUE_LEN + 1 + 2 + Segmenter::REACH + 1;
        let (taken, mut emitted) = (AtomicUsize::new(0), 0);
        let frames = clip(90).into_iter().inspect(|_| {
            taken.fetch_add(1, SeqCst);
        });
        matte_with_model(open_model(0), Pace::Fast, NonZeroUsize::MIN, frames, |_, _| {
            // The slowest possible emitter: it waits until the other steps have taken all frames
            // they may hold.
            let deadline = Instant::now() + TIMEOUT;
            while taken.load(SeqCst) < 90.min(emitted + max_held) {
                assert!(Instant::now() < deadline, "{} frames were taken, {emitted} emitted", taken.load(SeqCst));
                thread::yield_now();
            }
            assert!(taken.load(SeqCst) <= emitted + max_held, "{} frames were held", taken.load(SeqCst) - emitted);
            emitted += 1;
            true
        })
        .unwrap();
        assert_eq!(emitted, 90);
    }

    #[test]
    fn the_model_is_dropped_before_the_last_frame_is_emitted() {
        let (held, dropped) = bounded::<()>(0);
        let (model, mut emitted) = (OpenModel { held: Box::new(held), ..open_model(0) }, 0);
        matte_with_model(model, Pace::Balanced, NonZeroUsize::MIN, clip(40).into_iter(), |_, _| {
            emitted += 1;
            if emitted == 40 {
                assert_eq!(dropped.recv_timeout(TIMEOUT), Err(RecvTimeoutError::Disconnected));
            }
            true
        })
        .unwrap();
        assert_eq!(emitted, 40);
    }

    #[test]
    fn an_unusable_model_output_ends_the_matting() {
        let result =
            matte_with_model(open_model(3), Pace::Balanced, NonZeroUsize::MIN, clip(40).into_iter(), |_, _| true);
        assert!(matches!(result, Err(Error::ModelOutput(ModelError::NotANumber))), "{result:?}");
    }

    #[test]
    fn emit_is_not_called_again_after_it_returns_false() {
        let count = Cell::new(0);
        let emit = |_: Frame, _: &[u8]| {
            count.set(count.get() + 1);
            count.get() < 3
        };
        matte_with_model(open_model(0), Pace::Best, NonZeroUsize::MIN, clip(40).into_iter(), emit).unwrap();
        assert_eq!(count.get(), 3);
    }
}
