//! Shot detection and choice of the keyframes that the model segments.

use super::{grey::Grey, trace::Trace};

/// Number of tiles a side for the comparison of frames. A tile keeps its tones while objects move
/// within it. Smaller tiles change with motion, larger ones hide a cut between similar scenes.
const TILES: usize = 4;
/// Number of distinguished tones. A level counts for the two nearest, so that drifting light
/// changes little.
const TONES: usize = 16;
/// A tile has changed if less than this share of its tones is kept. Flicker and motion keep more.
const KEPT_SHARE: f32 = 0.5;
/// Least share of changed tiles at a cut. A person who walks in changes half of them, a pan those
/// at the rim.
const CUT_SHARE: f32 = 0.7;

/// Difference of luma, in levels, above which a pixel counts as moved or covered: beyond grain and
/// coding noise at this size.
const MOVED_LEVELS: f32 = 12.0;
/// Motion since the last keyframe that triggers the next one: the sum over the frames of the moved
/// share of the frame. A talking person moves 0.02 in four frames, a dancer 0.4.
const KEYFRAME_MOTION: f32 = 0.12;

/// Reads the frames of a clip in order, finds its shots and chooses the keyframes.
#[derive(Debug)]
pub struct ShotDetector {
    /// Least and largest distance between keyframes, in frames.
    spacing: [usize; 2],
    before: Option<PreviousFrame>,
    /// Frames since the last keyframe, and the motion in them.
    since_keyframe: usize,
    motion: f32,
}

/// Data of the previous frame.
#[derive(Debug)]
struct PreviousFrame {
    tones: Tones,
    grey: Grey,
    shot: u64,
}

type Tones = [[f32; TONES]; TILES * TILES];

impl ShotDetector {
    /// A detector that chooses a keyframe every `least` (≥ 1) to `most` frames, sooner with more
    /// motion.
    pub(crate) fn new(least: usize, most: usize) -> Self {
        Self { spacing: [least.max(1), most.max(1)], before: None, since_keyframe: 0, motion: 0.0 }
    }

    /// Determines the shot of `next` and whether it is a keyframe. Must be called for all frames of
    /// a clip, in order.
    ///
    /// The first frame of a shot is a keyframe; the others follow at a distance that depends on
    /// motion. `before` is the frame before `next`, if it is still available. It becomes a keyframe
    /// if its shot ends with it, so that the last frames of a shot have keyframes on both sides.
    pub fn detect(&mut self, before: Option<&mut Trace>, next: &mut Trace) {
        let grey = next.pyramid.finest().clone();
        let tones = tones(&grey);
        let (is_first, shot, moved) = match &self.before {
            None => (true, 0, 0.0),
            Some(last) if is_cut(&last.tones, &tones) => (true, last.shot + 1, 0.0),
            Some(last) => (false, last.shot, moved_share(&last.grey, &grey)),
        };
        if let (true, Some(before)) = (is_first, before) {
            before.is_keyframe = true;
        }
        (self.since_keyframe, self.motion) = (self.since_keyframe + 1, self.motion + moved);
        let [least, most] = self.spacing;
        let is_due = self.since_keyframe >= most || (self.since_keyframe >= least && self.motion >= KEYFRAME_MOTION);
        (next.shot, next.starts_shot, next.is_keyframe) = (shot, is_first, is_first || is_due);
        if next.is_keyframe {
            (self.since_keyframe, self.motion) = (0, 0.0);
        }
        self.before = Some(PreviousFrame { tones, grey, shot });
    }

    /// Makes the last frame of the clip a keyframe.
    pub fn end(&mut self, last: &mut Trace) {
        last.is_keyframe = true;
    }
}

fn is_cut(before: &Tones, now: &Tones) -> bool {
    let changed = before.iter().zip(now).filter(|(before, now)| {
        let kept: f32 = before.iter().zip(*now).map(|(a, b)| a.min(*b)).sum();
        kept < KEPT_SHARE
    });
    changed.count() as f32 >= CUT_SHARE * (TILES * TILES) as f32
}

/// Share of the pixels that moved between two frames.
fn moved_share(before: &Grey, now: &Grey) -> f32 {
    let lines = before.rows().zip(now.rows());
    let count: usize =
        lines.map(|(a, b)| a.iter().zip(b).filter(|(a, b)| (*a - *b).abs() > MOVED_LEVELS).count()).sum();
    count as f32 / (now.width * now.height) as f32
}

/// Share of each tone in each tile.
fn tones(grey: &Grey) -> Tones {
    let mut tones = [[0.0; TONES]; TILES * TILES];
    let mut counts = [0.0_f32; TILES * TILES];
    for y in 0..grey.height {
        for (x, value) in grey.values_from(0, y as isize).iter().enumerate().take(grey.width) {
            let tile = y * TILES / grey.height * TILES + x * TILES / grey.width;
            let place = (value / 255.0).clamp(0.0, 1.0) * (TONES - 1) as f32;
            let tone = (place as usize).min(TONES - 2);
            tones[tile][tone] += 1.0 - (place - tone as f32);
            tones[tile][tone + 1] += place - tone as f32;
            counts[tile] += 1.0;
        }
    }
    for (tones, count) in tones.iter_mut().zip(counts) {
        for tone in tones {
            *tone /= count.max(1.0);
        }
    }
    tones
}

#[cfg(test)]
mod tests {
    use clearcut_frame::{Frame, FrameFormat, Matrix, Size, Subsampling};

    use super::*;

    fn trace(luma: impl Fn(usize, usize) -> u8) -> Trace {
        let size = Size::new(64, 48).unwrap();
        let mut frame =
            Frame::new(FrameFormat { size, subsampling: Subsampling::Half, has_alpha: false, matrix: Matrix::Bt709 });
        for (at, value) in frame.planes_mut()[0].iter_mut().enumerate() {
            *value = luma(at % 64, at / 64);
        }
        Trace::from_frame(&frame)
    }

    /// Per frame, the number of its shot and whether it is a keyframe.
    fn detected(least: usize, most: usize, traces: &mut [Trace]) -> Vec<(u64, bool)> {
        let mut shots = ShotDetector::new(least, most);
        for at in 0..traces.len() {
            let (before, next) = traces.split_at_mut(at);
            shots.detect(before.last_mut(), &mut next[0]);
        }
        traces.last_mut().into_iter().for_each(|last| shots.end(last));
        traces.iter().map(|trace| (trace.shot, trace.is_keyframe)).collect()
    }

    #[test]
    fn keyframes_are_evenly_spaced_and_include_both_ends_of_a_shot() {
        let steps = |x: usize, y: usize| (60 + (x / 8 + y / 8) % 2 * 90) as u8;
        let ramp = |x: usize, _: usize| (3 * x) as u8;
        let mut traces: Vec<Trace> = (0..6).map(|_| trace(steps)).chain((0..6).map(|_| trace(ramp))).collect();
        let found = detected(4, 4, &mut traces);
        let keyframes: Vec<usize> = (0..12).filter(|&at| found[at].1).collect();
        assert_eq!(keyframes, [0, 4, 5, 6, 10, 11]);
        assert!(found.iter().enumerate().all(|(at, (shot, _))| *shot == u64::from(at >= 6)), "{found:?}");
    }

    #[test]
    fn more_motion_brings_the_next_keyframe_sooner() {
        let keyframes = |step: usize| {
            let square = |at: usize| {
                trace(
                    move |x, y| {
                        if (step * at..step * at + 24).contains(&x) && (12..36).contains(&y) { 200 } else { 60 }
                    },
                )
            };
            let mut traces: Vec<Trace> = (0..17).map(square).collect();
            detected(2, 8, &mut traces).iter().filter(|(_, is_keyframe)| *is_keyframe).count()
        };
        assert_eq!([keyframes(0), keyframes(1), keyframes(2)], [3, 3, 5]);
    }

    #[test]
    fn motion_drifting_light_and_a_person_walking_in_cause_no_cut() {
        let mut traces: Vec<Trace> = (0..8)
            .map(|at| {
                trace(move |x, y| {
                    let is_person = (4 * at..4 * at + 20).contains(&(x + 12)) && y > 8;
                    if is_person { 210 } else { (50 + (x + 2 * at) % 32 * 3 + 2 * at) as u8 }
                })
            })
            .collect();
        assert!(detected(4, 4, &mut traces).iter().all(|(shot, _)| *shot == 0));
    }
}
