//! Recognition of painted checkerboards: the sign of transparency, saved as part of the picture.

use clearcut_frame::Frame;

/// Sides of a square in pixels.
const SIDES: std::ops::RangeInclusive<usize> = 3..=128;

/// Least distance of the two tones in levels of luma. Closer ones are one background with noise.
const MIN_CONTRAST: usize = 6;

/// Distance from a tone at which a pixel still has it, in levels of luma: noise, and the ringing of
/// an encoder at the edges.
const MAX_TOLERANCE: usize = 8;

/// Least share of the pairs of pixels that are as far apart as a square is wide and that differ as
/// on a checkerboard. Edges blurred by scaling cost a few percent.
const MIN_AGREEMENT: f64 = 0.8;

/// Least share of the frame that has one of the two tones. A subject may cover the rest.
const MIN_SHARE: f64 = 0.25;

/// Number of rows on which the width of the squares is measured.
const ROWS: usize = 64;

/// Whether the background of `frame` is a checkerboard of two tones, as editors show transparency.
/// Luma decides, so the tones may be colored.
#[must_use]
pub fn is_checkerboard(frame: &Frame) -> bool {
    let (width, height) = (frame.size().width() as usize, frame.size().height() as usize);
    let Some(tones) = two_tones(frame.y(), width, height) else { return false };
    let board = Board { luma: frame.y(), width, height, tones };
    let Some(side) = board.side() else { return false };
    let row_step = (height / ROWS).max(1);
    let rows = || (0..height.saturating_sub(side)).step_by(row_step);
    let right = board.alternation(rows(), side, 0);
    let down = board.alternation(rows(), 0, side);
    let diagonal = board.alternation(rows(), side, side);
    let differing_share = |[differing, pairs]: [usize; 2]| differing as f64 / pairs.max(1) as f64;
    let pairs = right[1].min(down[1]).min(diagonal[1]);
    let compared = rows().count() * width.saturating_sub(side);
    differing_share(right) >= MIN_AGREEMENT
        && differing_share(down) >= MIN_AGREEMENT
        && differing_share(diagonal) <= 1.0 - MIN_AGREEMENT
        && pairs as f64 >= MIN_SHARE * MIN_SHARE * compared as f64
}

struct Board<'a> {
    luma: &'a [u8],
    width: usize,
    height: usize,
    tones: Tones,
}

impl Board<'_> {
    /// Whether a pixel has the second tone; `None` if it has neither.
    fn tone(&self, x: usize, y: usize) -> Option<bool> {
        self.tones.of(self.luma[y * self.width + x])
    }

    /// The pairs of pixels in `rows`, `across` and `down` apart, whose tones differ, and all pairs.
    fn alternation(&self, rows: impl Iterator<Item = usize>, across: usize, down: usize) -> [usize; 2] {
        let mut counts = [0; 2];
        for y in rows.filter(|y| y + down < self.height) {
            for x in 0..self.width.saturating_sub(across) {
                if let (Some(first), Some(second)) = (self.tone(x, y), self.tone(x + across, y + down)) {
                    counts[0] += usize::from(first != second);
                    counts[1] += 1;
                }
            }
        }
        counts
    }

    /// The side of a square: the shortest distance at which the tones alternate most.
    fn side(&self) -> Option<usize> {
        let row_step = (self.height / ROWS).max(1);
        let mut best = (0.0, None);
        for side in SIDES.take_while(|side| side * 3 <= self.width.min(self.height)) {
            let [differing, pairs] = self.alternation((0..self.height).step_by(row_step), side, 0);
            let share = differing as f64 / pairs.max(1) as f64;
            // Odd multiples of the side alternate as well.
            if share > best.0 * 1.02 {
                best = (share, Some(side));
            }
        }
        best.1
    }
}

/// The two tones of a checkerboard, in levels of luma.
struct Tones {
    levels: [usize; 2],
    tolerance: usize,
}

impl Tones {
    fn of(&self, luma: u8) -> Option<bool> {
        let [first, second] = self.levels.map(|level| level.abs_diff(luma.into()));
        if first.min(second) > self.tolerance { None } else { Some(second < first) }
    }
}

/// The two most frequent tones of the outer eighths of the frame, if each has a quarter of what
/// both have, and both have most of it.
fn two_tones(luma: &[u8], width: usize, height: usize) -> Option<Tones> {
    let mut counts = [0_usize; 256];
    let (margin_x, margin_y) = (width.div_ceil(8), height.div_ceil(8));
    for (y, row) in luma.chunks_exact(width).enumerate() {
        let is_edge_row = y < margin_y || y + margin_y >= height;
        for (x, &value) in row.iter().enumerate() {
            if is_edge_row || x < margin_x || x + margin_x >= width {
                counts[usize::from(value)] += 1;
            }
        }
    }
    let near = |level: usize, distance: usize| -> usize {
        counts[level.saturating_sub(distance)..(level + distance + 1).min(256)].iter().sum()
    };
    let first = (0..256_usize).max_by_key(|&level| near(level, 2))?;
    let others = (0..256_usize).filter(|level| level.abs_diff(first) >= MIN_CONTRAST);
    let second = others.max_by_key(|&level| near(level, 2))?;
    let tolerance = (first.abs_diff(second) / 2).saturating_sub(1).min(MAX_TOLERANCE);
    let shares = [first, second].map(|level| near(level, tolerance));
    let (both, all) = (shares[0] + shares[1], counts.iter().sum::<usize>());
    let is_even = shares.iter().all(|share| share * 4 >= both);
    (is_even && both * 10 >= all * 6).then_some(Tones { levels: [first, second], tolerance })
}

#[cfg(test)]
mod tests {
    use clearcut_frame::{FrameFormat, Matrix, Size, Subsampling};

    use super::*;

    /// A frame of 160×120 whose luma is `tone(x, y)`, with an even noise of `noise` levels.
    fn frame(noise: u32, tone: impl Fn(u32, u32) -> u8) -> Frame {
        let size = Size::new(160, 120).unwrap();
        let format = FrameFormat { size, subsampling: Subsampling::Half, has_alpha: false, matrix: Matrix::Bt601 };
        let mut frame = Frame::new(format);
        let mut random = 1_u32;
        for (index, luma) in frame.bytes_mut()[..160 * 120].iter_mut().enumerate() {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let (x, y) = (index as u32 % 160, index as u32 / 160);
            *luma = tone(x, y).saturating_add(((random >> 16) % (2 * noise + 1)) as u8).saturating_sub(noise as u8);
        }
        frame
    }

    /// A checkerboard with squares of `side` pixels, behind a disc of another tone.
    fn checkerboard(side: f64, tones: [u8; 2]) -> impl Fn(u32, u32) -> u8 {
        move |x, y| {
            let square = |at: u32| (f64::from(at) / side) as usize;
            let is_subject = (f64::from(x) - 80.0).hypot(f64::from(y) - 60.0) < 40.0;
            if is_subject { 120 } else { tones[(square(x) + square(y)) % 2] }
        }
    }

    #[test]
    fn checkerboards_of_any_size_and_tone_are_recognised() {
        for side in [4.0, 8.0, 10.667, 16.0, 31.5] {
            for tones in [[235, 194], [60, 90], [200, 180]] {
                assert!(is_checkerboard(&frame(3, checkerboard(side, tones))), "{side} {tones:?}");
            }
        }
    }

    #[test]
    fn other_backgrounds_are_no_checkerboard() {
        let flat = |x: u32, _: u32| if x < 60 { 40 } else { 200 };
        let stripes = |x: u32, _: u32| if (x / 10).is_multiple_of(2) { 40 } else { 200 };
        let ramp = |x: u32, y: u32| (x + y / 2) as u8;
        let noise = |_: u32, _: u32| 128;
        let bricks = |x: u32, y: u32| if (x + 10 * (y / 10 % 2)) % 20 < 2 || y % 10 < 2 { 200 } else { 90 };
        assert!(!is_checkerboard(&frame(2, flat)));
        assert!(!is_checkerboard(&frame(2, stripes)));
        assert!(!is_checkerboard(&frame(2, ramp)));
        assert!(!is_checkerboard(&frame(2, bricks)));
        assert!(!is_checkerboard(&frame(20, noise)));
    }
}
