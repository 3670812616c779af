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
