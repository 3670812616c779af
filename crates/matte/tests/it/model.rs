//! Tests for matting with a model, using a model that detects red.

use clearcut_frame::{Frame, FrameFormat, Subsampling};
use clearcut_matte::{ModelError, ModelInput, Pace, SegmentationModel, Segmenter, Trace};
use proptest::prelude::*;

use crate::canvas::{RED, format, painted};

const INPUT: ModelInput = ModelInput { width: 32, height: 32, mean: [0.5; 3], deviation: [0.25; 3] };

/// A model that finds the subject where red clearly exceeds green. It is slightly unsure
/// everywhere, as real models are.
#[derive(Default)]
struct RedDetector {
    calls: usize,
}

impl SegmentationModel for RedDetector {
    fn input(&self) -> ModelInput {
        INPUT
    }

    fn segment(&mut self, planes: &[f32]) -> Result<Vec<f32>, ModelError> {
        self.calls += 1;
        let (red, rest) = planes.split_at(INPUT.pixels());
        let pairs = red.iter().zip(rest).map(|(red, green)| (red - green) * INPUT.deviation[0]);
        Ok(pairs.map(|redness| 0.03 + 0.94 * ((redness - 0.1) / 0.5).clamp(0.0, 1.0)).collect())
    }
}

fn wall(x: usize, y: usize) -> [f32; 3] {
    let wave = (0.31 * x as f32).sin() + (0.23 * y as f32 + 0.07 * x as f32).cos();
    [110.0 + 30.0 * wave, 110.0 + 6.0 * wave, 112.0]
}

fn disc(x: usize, y: usize, centre: [f32; 2], radius: f32) -> f32 {
    (radius + 0.5 - (x as f32 + 0.5 - centre[0]).hypot(y as f32 + 0.5 - centre[1])).clamp(0.0, 1.0)
}

/// A red ball in front of a wall, and its alpha.
fn ball(format: FrameFormat, centre: [f32; 2], radius: f32) -> (Frame, Vec<f32>) {
    let (width, height) = (format.size.width() as usize, format.size.height() as usize);
    let alpha = |x: usize, y: usize| disc(x, y, centre, radius);
    let frame = painted(format, 1, |x, y| {
        let (wall, share) = (wall(x, y), alpha(x, y));
        [0, 1, 2].map(|k| share * f32::from(RED[k]) + (1.0 - share) * wall[k])
    });
    (frame, (0..width * height).map(|at| alpha(at % width, at / width)).collect())
}

/// Runs the whole clip through all stages of the segmenter.
fn cut(clip: &[Frame], pace: Pace, model: &mut dyn SegmentationModel) -> Result<Vec<Frame>, ModelError> {
    let segmenter = Segmenter::new(pace);
    let mut shots = segmenter.shot_detector();
    let mut traces: Vec<Trace> = Vec::new();
    for frame in clip {
        let mut trace = segmenter.analyze(frame);
        shots.detect(traces.last_mut(), &mut trace);
        traces.push(trace);
    }
    traces.last_mut().into_iter().for_each(|last| shots.end(last));
    for (frame, trace) in clip.iter().zip(&mut traces) {
        segmenter.segment(frame, trace, model)?;
    }
    let finish = |at: usize| {
        let before: Vec<&Trace> = traces[..at].iter().rev().take(Segmenter::REACH).collect();
        let after: Vec<&Trace> = traces[at + 1..].iter().take(Segmenter::REACH).collect();
        segmenter.finish(&before, clip[at].clone(), &traces[at], &after)
    };
    Ok((0..clip.len()).map(finish).collect())
}

fn cut_one(frame: &Frame) -> Frame {
    cut(std::slice::from_ref(frame), Pace::Balanced, &mut RedDetector::default()).unwrap().remove(0)
}

/// Mean absolute error of alpha, 0–1.
fn error(cut: &Frame, truth: &[f32]) -> f32 {
    let errors = cut.alpha().unwrap().iter().zip(truth).map(|(alpha, truth)| (f32::from(*alpha) / 255.0 - truth).abs());
    errors.sum::<f32>() / truth.len() as f32
}

fn wide_format(subsampling: Subsampling) -> FrameFormat {
    format(160, 120, subsampling)
}

#[test]
fn a_subject_is_followed_through_frames_the_model_never_saw() {
    let centre = |at: usize| [40.0 + 4.0 * at as f32, 50.0 + 2.0 * at as f32];
    let (clip, truths): (Vec<Frame>, Vec<Vec<f32>>) =
        (0..13).map(|at| ball(wide_format(Subsampling::Half), centre(at), 24.0)).unzip();
    for (pace, keys) in [(Pace::Best, 7), (Pace::Balanced, 3), (Pace::Fast, 3), (Pace::Every, 13)] {
        let mut model = RedDetector::default();
        let cuts = cut(&clip, pace, &mut model).unwrap();
        assert_eq!(model.calls, keys, "{pace:?}");
        for (at, (cut, truth)) in cuts.iter().zip(&truths).enumerate() {
            let error = error(cut, truth);
            assert!(error < 0.012, "frame {at} at {pace:?} is off by {error}");
        }
    }
}

#[test]
fn edges_are_finer_than_the_model_resolution() {
    let (frame, truth) = ball(format(320, 320, Subsampling::Half), [150.0, 170.0], 70.0);
    // One pixel of the model is ten of the frame. Interpolated, the model's disc is off by 0.014.
    let error = error(&cut_one(&frame), &truth);
    assert!(error < 0.004, "{error}");
}

#[test]
fn a_clip_without_a_subject_stays_empty() {
    let clip: Vec<Frame> = (0..6).map(|_| painted(wide_format(Subsampling::Half), 2, wall)).collect();
    let cuts = cut(&clip, Pace::Balanced, &mut RedDetector::default()).unwrap();
    assert!(cuts.iter().all(|cut| cut.alpha().unwrap().iter().all(|&alpha| alpha == 0)));
}

#[test]
fn nothing_is_carried_across_a_cut() {
    let (with, truth) = ball(wide_format(Subsampling::Half), [80.0, 60.0], 30.0);
    let without =
        painted(wide_format(Subsampling::Half), 2, |x, y| [f32::from((x + y) as u8 / 2) + 20.0, 140.0, 110.0]);
    let clip: Vec<Frame> = [vec![with; 6], vec![without; 6]].concat();
    let cuts = cut(&clip, Pace::Fast, &mut RedDetector::default()).unwrap();
    assert!(cuts[..6].iter().all(|cut| error(cut, &truth) < 0.012));
    assert!(cuts[6..].iter().all(|cut| cut.alpha().unwrap().iter().all(|&alpha| alpha == 0)));
}

#[test]
fn edge_colors_contain_no_background() {
    for subsampling in [Subsampling::Half, Subsampling::Full] {
        let (frame, _) = ball(wide_format(subsampling), [81.0, 59.0], 30.0);
        let cut = cut_one(&frame);
        let (columns, _) = cut.format().chroma_size();
        let shift = cut.format().subsampling.shift();
        let worst = |plane: &[u8], k: usize, least: u8| {
            let edge = cut.alpha().unwrap().iter().enumerate().filter(|(_, alpha)| **alpha >= least && **alpha < 255);
            let sample = |at: usize| ((at / 160) >> shift) * columns + ((at % 160) >> shift);
            edge.map(|(at, _)| plane[sample(at)].abs_diff(RED[k])).max().unwrap()
        };
        // The wall's red difference is 108 levels away, so a sixth of it is 18.
        let (seen, left) = (worst(frame.cr(), 2, 64), worst(cut.cr(), 2, 64));
        assert!(seen > 40 && left <= 18, "{subsampling:?}: {seen} were seen, {left} are left");
    }
}

#[test]
fn a_mirrored_or_transposed_frame_has_the_mirrored_or_transposed_matte() {
    let format = format(96, 96, Subsampling::Full);
    let (frame, _) = ball(format, [40.0, 55.0], 21.0);
    let rearranged = |frame: &Frame, from: &dyn Fn(usize, usize) -> usize| {
        let mut out = frame.clone();
        let given = [frame.y(), frame.cb(), frame.cr(), frame.alpha().unwrap_or_default()];
        for (plane, given) in out.planes_mut().into_iter().zip(given) {
            plane.iter_mut().enumerate().for_each(|(at, value)| *value = given[from(at % 96, at / 96)]);
        }
        out
    };
    let matte = cut_one(&frame);
    for from in
        [&|x: usize, y: usize| y * 96 + 95 - x, &|x: usize, y: usize| x * 96 + y] as [&dyn Fn(usize, usize) -> usize; 2]
    {
        let (there, back) = (cut_one(&rearranged(&frame, from)), rearranged(&matte, from));
        let most = there.alpha().unwrap().iter().zip(back.alpha().unwrap()).map(|(a, b)| a.abs_diff(*b)).max();
        // The order of floating-point sums differs.
        assert!(most.unwrap() <= 2, "{most:?}");
    }
}

#[test]
fn the_same_clip_always_has_the_same_matte() {
    let clip: Vec<Frame> =
        (0..7).map(|at| ball(wide_format(Subsampling::Half), [50.0 + 5.0 * at as f32, 60.0], 22.0).0).collect();
    let once = cut(&clip, Pace::Balanced, &mut RedDetector::default()).unwrap();
    assert_eq!(once, cut(&clip, Pace::Balanced, &mut RedDetector::default()).unwrap());
}

#[test]
fn transparent_areas_of_the_source_stay_transparent() {
    let (frame, _) = ball(wide_format(Subsampling::Half), [80.0, 60.0], 30.0);
    let format = frame.format().with_alpha();
    let mut bytes = frame.into_bytes();
    bytes.extend((0..160 * 120).map(|at| if at % 160 < 80 { 0 } else { 255 }));
    let cut = cut_one(&Frame::from_bytes(format, bytes).unwrap());
    let alpha = cut.alpha().unwrap();
    assert_eq!((alpha[60 * 160 + 70], alpha[60 * 160 + 90]), (0, 255));
}

#[test]
fn a_model_error_fails_the_cut() {
    struct FailingModel;
    impl SegmentationModel for FailingModel {
        fn input(&self) -> ModelInput {
            INPUT
        }
        fn segment(&mut self, _: &[f32]) -> Result<Vec<f32>, ModelError> {
            Err(ModelError::Failed("out of memory".into()))
        }
    }
    let clip = [painted(wide_format(Subsampling::Half), 2, wall)];
    assert!(matches!(cut(&clip, Pace::Fast, &mut FailingModel), Err(ModelError::Failed(_))));
}

/// Mean alpha of 4×4 tiles of a frame.
fn tiles(cut: &Frame) -> Vec<i32> {
    let (width, height) = (cut.size().width() as usize, cut.size().height() as usize);
    let mean = |tile: usize| {
        let (left, top) = (tile % 4 * width / 4, tile / 4 * height / 4);
        let rows = top..top + height / 4;
        let sum: u32 = rows
            .flat_map(|y| &cut.alpha().unwrap()[y * width + left..][..width / 4])
            .map(|&alpha| u32::from(alpha))
            .sum();
        (sum as usize / (width / 4 * (height / 4))) as i32
    };
    (0..16).map(mean).collect()
}

#[test]
fn a_small_clip_matches_its_golden_matte() {
    let clip: Vec<Frame> =
        (0..5).map(|at| ball(wide_format(Subsampling::Half), [60.0 + 6.0 * at as f32, 64.0], 25.0).0).collect();
    let cuts = cut(&clip, Pace::Balanced, &mut RedDetector::default()).unwrap();
    let golden = [0, 0, 0, 0, 0, 118, 48, 0, 0, 172, 75, 0, 0, 0, 0, 0];
    let found = tiles(&cuts[2]);
    assert!(found.iter().zip(golden).all(|(found, golden): (&i32, i32)| found.abs_diff(golden) <= 2), "{found:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn frames_of_every_size_are_cut(width in 1_u32..70, height in 1_u32..70, full: bool, count in 1_usize..4) {
        let subsampling = if full { Subsampling::Full } else { Subsampling::Half };
        let format = format(width, height, subsampling);
        let clip: Vec<Frame> = (0..count).map(|at| ball(format, [at as f32 * 3.0, 8.0], 9.0).0).collect();
        let cuts = cut(&clip, Pace::Best, &mut RedDetector::default()).unwrap();
        prop_assert!(cuts.iter().all(|cut| cut.format() == format.with_alpha()));
    }
}
