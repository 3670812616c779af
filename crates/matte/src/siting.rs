//! Horizontal siting of half-resolution chroma relative to the columns of luma. It is measured on
//! the clip, since headers seldom state it and are often wrong.

use clearcut_frame::Frame;
use serde::{Deserialize, Serialize};

/// The column of a half-resolution chroma sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Siting {
    /// On the even columns of luma: the default of MPEG-2 and H.264, used by cameras.
    Left,
    /// Halfway between two columns: JPEG, and programs that halve chroma by averaging.
    Centre,
}

/// Least step of chroma that is not noise, in levels: beyond the noise that a background may have
/// ([`crate::background`]).
const STEP: u8 = 16;

/// Least number of steps that replaces the default by the measurement. With a few, one edge with
/// steps of luma beside it decides.
const LEAST_STEPS: f64 = 256.0;

impl Siting {
    /// Detects the siting that puts the steps of chroma on the steps of luma. The limit is halfway
    /// between the two sitings.
    ///
    /// Read as [`Self::Centre`], the step between the samples i and i + 1 lies at column 2i + 1.5.
    /// The middle of the luma edge is then at 2i + 1.5, too; it is half a column to the left if the
    /// samples lie on the even columns. Vertical siting is halfway for both.
    pub(crate) fn detect(samples: &[Frame]) -> Self {
        let (mut moment, mut weight, mut steps) = (0.0, 0.0, 0.0);
        for frame in samples.iter().filter(|frame| frame.format().subsampling.shift() == 1) {
            let width = frame.size().width() as usize;
            let chroma_width = frame.format().chroma_size().0;
            let rows = frame.cb().chunks_exact(chroma_width).zip(frame.cr().chunks_exact(chroma_width));
            for ((cb, cr), luma) in rows.zip(frame.y().chunks_exact(2 * width)) {
                for at in 1..chroma_width.saturating_sub(2) {
                    let step = cb[at].abs_diff(cb[at + 1]).max(cr[at].abs_diff(cr[at + 1]));
                    let is_isolated =
                        |k: &[u8]| k[at - 1].abs_diff(k[at]).max(k[at + 1].abs_diff(k[at + 2])) < step / 2;
                    if step < STEP || !is_isolated(cb) || !is_isolated(cr) || 2 * at + 5 > width {
                        continue;
                    }
                    // Differences of luma around column 2i + 1.5: the one there, and two on each
                    // side.
                    for offset in -2_i32..=2 {
                        let column = (2 * at as i32 + 1 + offset) as usize;
                        let change = f64::from(luma[column].abs_diff(luma[column + 1])).powi(2);
                        moment += change * f64::from(offset);
                        weight += change;
                    }
                    steps += 1.0;
                }
            }
        }
        if steps >= LEAST_STEPS && moment / f64::max(weight, 1.0) < -0.25 { Self::Left } else { Self::Centre }
    }
}

#[cfg(test)]
mod tests {
    use clearcut_frame::{FrameFormat, Matrix, Size, Subsampling};

    use super::*;

    const SIDE: usize = 128;

    /// A disc of luma 90, Cr 220 on luma 120, Cr 70. Its chroma is halved with `weights` for the
    /// columns 2i − 1 to 2i + 1.
    fn disc(weights: [f32; 3]) -> Frame {
        let size = Size::new(SIDE as u32, SIDE as u32).unwrap();
        let mut frame =
            Frame::new(FrameFormat { size, subsampling: Subsampling::Half, has_alpha: false, matrix: Matrix::Bt709 });
        let inside = |x: usize, y: usize| (40.5 - (x as f32 - 63.3).hypot(y as f32 - 64.1)).clamp(0.0, 1.0);
        let [luma, cb, cr, _] = frame.planes_mut();
        for (index, value) in luma.iter_mut().enumerate() {
            *value = (120.0 - 30.0 * inside(index % SIDE, index / SIDE)).round() as u8;
        }
        cb.fill(100);
        for (index, value) in cr.iter_mut().enumerate() {
            let (x, y) = (index % (SIDE / 2) * 2, index / (SIDE / 2) * 2);
            let row = |y: usize| (0..3).map(|k| weights[k] * inside((x + k).saturating_sub(1), y)).sum::<f32>();
            *value = (70.0 + 150.0 * f32::midpoint(row(y), row(y + 1))).round() as u8;
        }
        frame
    }

    #[test]
    fn chroma_on_even_columns_and_between_columns_is_detected() {
        let clip = |weights| vec![disc(weights); 8];
        assert_eq!(Siting::detect(&clip([0.25, 0.5, 0.25])), Siting::Left);
        assert_eq!(Siting::detect(&clip([0.0, 0.5, 0.5])), Siting::Centre);
    }

    #[test]
    fn a_clip_without_edges_gets_centre_siting() {
        let mut flat = disc([0.0, 0.5, 0.5]);
        let [luma, _, cr, _] = flat.planes_mut();
        luma.fill(120);
        cr.fill(70);
        assert_eq!(Siting::detect(&[flat]), Siting::Centre);
        assert_eq!(Siting::detect(&[]), Siting::Centre);
    }
}
