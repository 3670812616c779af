//! Where one shot ends and the next begins, and which pictures the network is asked about.

use super::{grey::Grey, trace::Trace};

/// The picture is compared in so many tiles a side: each keeps its tones while things move within it.
const TILES: usize = 4;
/// Tones that are told apart; a level counts for the two nearest, so that drifting light changes little.
const TONES: usize = 16;
/// A tile has changed if less than this share of its tones is still there.
const STILL_THERE: f32 = 0.5;
/// A cut changes at least this share of the tiles: a person who walks in changes half of them, a pan the rim.
const CUT: f32 = 0.7;

/// Goes through the pictures of a clip in order, finds its shots and chooses the key pictures.
#[derive(Debug)]
pub struct Shots {
    spacing: usize,
    before: Option<(Tones, u64)>,
    /// Pictures since the last key.
    since_key: usize,
}

type Tones = [[f32; TONES]; TILES * TILES];

impl Shots {
    /// With a key picture at least every `spacing` (≥ 1) pictures.
    pub(crate) fn new(spacing: usize) -> Self {
        Self { spacing: spacing.max(1), before: None, since_key: 0 }
    }

    /// Finds the shot of `next` and whether it is a key picture; to be called for all pictures of a clip in order.
    ///
    /// The first picture of a shot is a key, then every so many. `before` is the picture before `next` if it is still at hand:
    /// it becomes a key if its shot ends with it, so that a shot's last pictures have keys on both sides.
    pub fn settle(&mut self, before: Option<&mut Trace>, next: &mut Trace) {
        let tones = tones(next.pyramid.finest());
        let (is_first, shot) = match &self.before {
            None => (true, 0),
            Some((before, shot)) if is_cut(before, &tones) => (true, shot + 1),
            Some((_, shot)) => (false, *shot),
        };
        if let (true, Some(before)) = (is_first, before) {
            before.is_key = true;
        }
        self.since_key = if is_first { 0 } else { (self.since_key + 1) % self.spacing };
        (next.shot, next.is_key) = (shot, self.since_key == 0);
        self.before = Some((tones, shot));
    }

    /// Makes the last picture of the clip a key.
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
    use clearcut_frame::{Matrix, Picture, PictureFormat, Size, Subsampling};

    use super::*;

    fn trace(luma: impl Fn(usize, usize) -> u8) -> Trace {
        let size = Size::new(64, 48).unwrap();
        let mut picture = Picture::new(PictureFormat {
            size,
            subsampling: Subsampling::Half,
            has_alpha: false,
            matrix: Matrix::Bt709,
        });
        for (at, value) in picture.planes_mut()[0].iter_mut().enumerate() {
            *value = luma(at % 64, at / 64);
        }
        Trace::of(&picture)
    }

    /// Number of the shot and whether it is a key, for every picture.
    fn settled(spacing: usize, traces: &mut [Trace]) -> Vec<(u64, bool)> {
        let mut shots = Shots::new(spacing);
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
        let found = settled(4, &mut traces);
        let keys: Vec<usize> = (0..12).filter(|&at| found[at].1).collect();
        assert_eq!(keys, [0, 4, 5, 6, 10, 11]);
        assert!(found.iter().enumerate().all(|(at, (shot, _))| *shot == u64::from(at >= 6)), "{found:?}");
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
        assert!(settled(4, &mut traces).iter().all(|(shot, _)| *shot == 0));
    }
}
