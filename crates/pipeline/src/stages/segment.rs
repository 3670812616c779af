//! Matting of a clip's frames with a neural model on several threads, with results in order.

use std::{num::NonZeroUsize, sync::Arc, thread};

use clearcut_frame::Frame;
use clearcut_job::Speed;
use clearcut_matte::{ModelError, Pace, Segmenter, Trace};
use clearcut_parallel::{Neighbors, with_neighbors, with_workers};
use crossbeam_channel::{Sender, bounded};

use crate::{
    Error, OpenModel,
    threads::{join, spawn},
};

/// Length of the queue behind the model, in frames: the keyframe interval in shots with little
/// motion, so that the frames between two keyframes are finished while the model works on one.
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
/// One thread selects the keyframes and runs the model on them; `threads` threads prepare the
/// frames before and finish them afterwards. The model is dropped as soon as it has processed the
/// last frame. At most `QUEUE_LEN + Segmenter::REACH + 2 × threads + 2` frames are held, so a slow
/// `emit` (the encoders) applies backpressure to the decoder. The result depends neither on
/// `threads` nor on timing.
///
/// # Errors
/// The model's output is unusable, or the system could not start a thread.
pub(crate) fn matte_with_model(
    open_model: OpenModel,
    pace: Pace,
    threads: NonZeroUsize,
    frames: impl Iterator<Item = Frame> + Send,
    mut emit: impl FnMut(Frame, &[u8]) -> bool,
) -> Result<(), Error> {
    let pace = if open_model.model.has_states() { Pace::Every } else { pace };
    let segmenter = Segmenter::new(pace);
    with_workers(threads, |workers| {
        thread::scope(|scope| {
            let (segmented_sender, segmented) = bounded(QUEUE_LEN);
            let model_thread = spawn(scope, move || {
                let traced = workers.map_in_order(frames, move |frame| (segmenter.analyze(&frame), frame));
                run_model(segmenter, open_model, select_keyframes(segmenter, traced), &segmented_sender);
            })?;
            let mut result = Ok(());
            let segmented = segmented.into_iter().map_while(|next| next.map_err(|error| result = Err(error)).ok());
            let neighbors = with_neighbors(Segmenter::REACH, segmented);
            let finished = workers.map_in_order(neighbors, move |(traces, frame): (Neighbors<Trace>, Frame)| {
                let source_planes = frame.bytes()[..frame.format().without_alpha().byte_len()].to_vec();
                (segmenter.finish(&traces.before(), frame, traces.current(), &traces.after()), source_planes)
            });
            let _ = finished.into_iter().all(|(frame, source_planes)| emit(frame, &source_planes));
            join(model_thread);
            Ok(result?)
        })
    })
}

/// Decides for each frame whether it is a keyframe. This needs the next frame, so one frame is held
/// back.
fn select_keyframes(
    segmenter: Segmenter,
    traced: impl Iterator<Item = (Trace, Frame)>,
) -> impl Iterator<Item = (Trace, Frame)> {
    let mut traced = traced.fuse();
    let mut shots = segmenter.shot_detector();
    let mut held: Option<(Trace, Frame)> = None;
    std::iter::from_fn(move || {
        for mut next in traced.by_ref() {
            shots.detect(held.as_mut().map(|(trace, _)| trace), &mut next.0);
            if let Some(before) = held.replace(next) {
                return Some(before);
            }
        }
        let mut last = held.take()?;
        shots.end(&mut last.0);
        Some(last)
    })
}

/// A frame and its trace, which the model has segmented if it is a keyframe.
type Segmented = Result<(Arc<Trace>, Frame), ModelError>;

/// Runs the model on the keyframes and passes on all frames, up to the first failure.
fn run_model(
    segmenter: Segmenter,
    mut open_model: OpenModel,
    selected: impl Iterator<Item = (Trace, Frame)>,
    segmented: &Sender<Segmented>,
) {
    for (mut trace, frame) in selected {
        let result = segmenter.segment(&frame, &mut trace, open_model.model.as_mut());
        let failed = result.is_err();
        // The receiver is gone if no more frames are wanted.
        if segmented.send(result.map(|()| (Arc::new(trace), frame))).is_err() || failed {
            return;
        }
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
        // The queue and those that wait for neighbors; one in the model, one in keyframe selection,
        // and the one that is emitted. With one thread, a parallel step holds no other.
        let max_held = QUEUE_LEN + Segmenter::REACH + 3;
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
