//! Where one shot ends and the next begins, and which frames the model is asked about.

use super::{grey::Grey, trace::Trace};

/// The frame is compared in so many tiles a side: each keeps its tones while things move within it.
const TILES: usize = 4;
/// Tones that are told apart; a level counts for the two nearest, so that drifting light changes little.
const TONES: usize = 16;
/// A tile has changed if less than this share of its tones is still there.
const STILL_THERE: f32 = 0.5;
/// A cut changes at least this share of the tiles: a person who walks in changes half of them, a pan the rim.
const CUT: f32 = 0.7;

/// A pixel whose luma (in levels) differs by more has moved, or something over it has.
const MOVED: f32 = 12.0;
/// Motion, summed up over the frames since the last key as shares of the frame that moved, that calls for the next one.
/// A person who talks moves 0.02 in four frames, a dancer 0.4.
const MOTION: f32 = 0.12;

/// Goes through the frames of a clip in order, finds its shots and chooses the keyframes.
#[derive(Debug)]
pub struct Shots {
    /// The fewest and most frames from key to key.
    spacing: [usize; 2],
    before: Option<Seen>,
    /// Frames since the last key, and what has moved in them.
    since_key: usize,
    motion: f32,
}

/// What is kept of the last frame.
#[derive(Debug)]
struct Seen {
    tones: Tones,
    grey: Grey,
    shot: u64,
}

type Tones = [[f32; TONES]; TILES * TILES];

impl Shots {
    /// With a keyframe every `least` (≥ 1) to `most` frames, sooner where more moves.
    pub(crate) fn new(least: usize, most: usize) -> Self {
        Self { spacing: [least.max(1), most.max(1)], before: None, since_key: 0, motion: 0.0 }
    }

    /// Finds the shot of `next` and whether it is a keyframe; to be called for all frames of a clip in order.
    ///
    /// The first frame of a shot is a key, then every so many, by how much moves. `before` is the frame before `next` if it is still at hand:
    /// it becomes a key if its shot ends with it, so that a shot's last frames have keys on both sides.
    pub fn settle(&mut self, before: Option<&mut Trace>, next: &mut Trace) {
        let grey = next.pyramid.finest().clone();
        let tones = tones(&grey);
        let (is_first, shot, moved) = match &self.before {
            None => (true, 0, 0.0),
            Some(seen) if is_cut(&seen.tones, &tones) => (true, seen.shot + 1, 0.0),
            Some(seen) => (false, seen.shot, moved(&seen.grey, &grey)),
        };
        if let (true, Some(before)) = (is_first, before) {
            before.is_key = true;
        }
        (self.since_key, self.motion) = (self.since_key + 1, self.motion + moved);
        let [least, most] = self.spacing;
        let is_due = self.since_key >= most || (self.since_key >= least && self.motion >= MOTION);
        (next.shot, next.begins, next.is_key) = (shot, is_first, is_first || is_due);
        if next.is_key {
            (self.since_key, self.motion) = (0, 0.0);
        }
        self.before = Some(Seen { tones, grey, shot });
    }

    /// Makes the last frame of the clip a key.
    pub fn end(&mut self, last: &mut Trace) {
        last.is_key = true;
    }
}

fn is_cut(before: &Tones, now: &Tones) -> bool {
    let changed = before.iter().zip(now).filter(|(before, now)| {
        let kept: f32 = before.iter().zip(*now).map(|(a, b)| a.min(*b)).sum();
        kept < STILL_THERE
    });
    changed.count() as f32 >= CUT * (TILES * TILES) as f32
}

/// Share of the pixels that moved.
fn moved(before: &Grey, now: &Grey) -> f32 {
    let lines = before.rows().zip(now.rows());
    let count: usize = lines.map(|(a, b)| a.iter().zip(b).filter(|(a, b)| (*a - *b).abs() > MOVED).count()).sum();
    count as f32 / (now.width * now.height) as f32
}

/// Share of each tone in each tile.
fn tones(grey: &Grey) -> Tones {
    let mut tones = [[0.0; TONES]; TILES * TILES];
    let mut counts = [0.0_f32; TILES * TILES];
    for y in 0..grey.height {
        for (x, value) in grey.from(0, y as isize).iter().enumerate().take(grey.width) {
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
        Trace::of(&frame)
    }

    /// Number of the shot and whether it is a key, for every frame.
    fn settled(least: usize, most: usize, traces: &mut [Trace]) -> Vec<(u64, bool)> {
        let mut shots = Shots::new(least, most);
        for at in 0..traces.len() {
            let (before, next) = traces.split_at_mut(at);
            shots.settle(before.last_mut(), &mut next[0]);
        }
        traces.last_mut().into_iter().for_each(|last| shots.end(last));
        traces.iter().map(|trace| (trace.shot, trace.is_key)).collect()
    }

    #[test]
    fn keys_are_evenly_spaced_and_both_ends_of_a_shot_are_keys() {
        let steps = |x: usize, y: usize| (60 + (x / 8 + y / 8) % 2 * 90) as u8;
        let ramp = |x: usize, _: usize| (3 * x) as u8;
        let mut traces: Vec<Trace> = (0..6).map(|_| trace(steps)).chain((0..6).map(|_| trace(ramp))).collect();
        let found = settled(4, 4, &mut traces);
        let keys: Vec<usize> = (0..12).filter(|&at| found[at].1).collect();
        assert_eq!(keys, [0, 4, 5, 6, 10, 11]);
        assert!(found.iter().enumerate().all(|(at, (shot, _))| *shot == u64::from(at >= 6)), "{found:?}");
    }

    #[test]
    fn the_more_moves_the_sooner_comes_the_next_key() {
        let keys = |step: usize| {
            let square = |at: usize| {
                trace(
                    move |x, y| {
                        if (step * at..step * at + 24).contains(&x) && (12..36).contains(&y) { 200 } else { 60 }
                    },
                )
            };
            let mut traces: Vec<Trace> = (0..17).map(square).collect();
            settled(2, 8, &mut traces).iter().filter(|(_, is_key)| *is_key).count()
        };
        assert_eq!([keys(0), keys(1), keys(2)], [3, 3, 5]);
    }

    #[test]
    fn motion_drifting_light_and_someone_who_walks_in_are_no_cuts() {
        let mut traces: Vec<Trace> = (0..8)
            .map(|at| {
                trace(move |x, y| {
                    let is_person = (4 * at..4 * at + 20).contains(&(x + 12)) && y > 8;
                    if is_person { 210 } else { (50 + (x + 2 * at) % 32 * 3 + 2 * at) as u8 }
                })
            })
            .collect();
        assert!(settled(4, 4, &mut traces).iter().all(|(shot, _)| *shot == 0));
    }
}
