//! The subject's own color in pixels where it is mixed with the background.
//!
//! The colors of both are estimated from nearby pixels that certainly belong to one of them. The
//! remainder of the compositing equation goes to the subject in proportion to alpha (Forte 2021,
//! after Germer et al. 2020).

use clearcut_frame::Frame;

use super::{
    boxes::box_mean,
    guide::{Guide, working_size},
    shrink::{interpolated, resized},
    tiles::{Tile, tiles, with_margin, write},
};
use crate::{
    outline::place,
    unmix::{BandPixel, Unmixed},
};

/// Side of the window for close estimates, in pixels of the guide. A wider one mixes colors of
/// other things, a narrower one finds nothing certain beside a soft edge.
const CLOSE_WINDOW: usize = 7;
/// Longer side of the small copy for wide estimates, and the side of their window in pixels of it.
/// They fill in where nothing certain is close by.
const WIDE_LONGER_SIDE: u32 = 80;
const WIDE_WINDOW: usize = 9;
/// Weight of a wide estimate, relative to a close one: so little that it counts only where nothing
/// certain is close.
const WIDE_WEIGHT: f32 = 0.01;
/// Largest difference of a pixel from its estimate, in levels. More is an error of the estimate,
/// not texture.
const MAX_TEXTURE: f32 = 64.0;

/// The pixels of `frame` with their alpha and the subject's color, where `alpha` is between clear
/// and solid. With half-resolution chroma, also the solid pixels that share a chroma sample with
/// clear or mixed ones, since that sample is mixed.
///
/// The colors are estimated on `guide`, a small copy of the frame.
pub(crate) fn unmixed_band(frame: &Frame, guide: &Guide, alpha: &[u8]) -> Vec<BandPixel> {
    let format = frame.format();
    let shift = format.subsampling.shift();
    let (width, height) = (format.size.width() as usize, format.size.height() as usize);
    let (columns, _) = format.chroma_size();
    let colors = LocalColors::measure(frame, guide, alpha);
    let mut band = Vec::new();
    for sample in 0..format.chroma_len() {
        let (column, row) = place(sample, columns);
        let (left, top) = (column << shift, row << shift);
        let rows = top..(top + (1 << shift)).min(height);
        let span = left..(left + (1 << shift)).min(width);
        let (mut sum, mut count) = (0_u32, 0_u32);
        for y in rows.clone() {
            for &alpha in &alpha[y * width + span.start..y * width + span.end] {
                sum += u32::from(alpha);
                count += 1;
            }
        }
        if sum == 0 || sum == 255 * count {
            continue;
        }
        let mean = sum as f32 / (255 * count) as f32;
        let estimate = colors.at(left, top, [width, height]);
        let [cb, cr] = [frame.cb()[sample], frame.cr()[sample]].map(f32::from);
        let chroma = [estimate.subject_level(1, cb, mean), estimate.subject_level(2, cr, mean)];
        for index in rows.flat_map(|y| span.clone().map(move |x| y * width + x)) {
            let share = f32::from(alpha[index]) / 255.0;
            if alpha[index] > 0 {
                let luma = estimate.subject_level(0, f32::from(frame.y()[index]), share);
                let unmixed = Unmixed { alpha: share, foreground: [luma, chroma[0], chroma[1]] };
                band.push(BandPixel { index: index as u32, unmixed });
            }
        }
    }
    band
}

/// The colors of subject and background around every pixel of a small copy.
struct LocalColors {
    size: [usize; 2],
    /// Subject and background: Y', Cb, Cr each.
    planes: [[Vec<f32>; 3]; 2],
}

/// Estimated colors for one pixel.
struct ColorEstimate {
    subject: [f32; 3],
    background: [f32; 3],
}

impl ColorEstimate {
    /// The subject's level in plane `k`, if it covers `share` of a pixel with the level `seen`.
    fn subject_level(&self, k: usize, seen: f32, share: f32) -> f32 {
        let mixed = share * self.subject[k] + (1.0 - share) * self.background[k];
        self.subject[k] + share * (seen - mixed).clamp(-MAX_TEXTURE, MAX_TEXTURE)
    }
}

impl LocalColors {
    fn measure(frame: &Frame, guide: &Guide, alpha: &[u8]) -> Self {
        let full = [frame.size().width() as usize, frame.size().height() as usize];
        let subject: Vec<f32> = resized(alpha, full, guide.size).iter().map(|alpha| alpha / 255.0).collect();
        let small = guide.resized_to(working_size(frame.size(), WIDE_LONGER_SIDE));
        let small_subject = resized(&subject, guide.size, small.size);
        let close = Self::sums::<CLOSE_WINDOW>(guide, &subject);
        let wide = Self::sums::<WIDE_WINDOW>(&small, &small_subject);
        let size = close.0;
        let planes = [0, 1].map(|side| {
            let [close, wide] = [(&close.1[side], close.0), (&wide.1[side], wide.0)];
            let wide: Vec<Vec<f32>> = wide.0.iter().map(|plane| interpolated(plane, wide.1, size)).collect();
            let sum = |k: usize| close.0[k].iter().zip(&wide[k]).map(|(close, wide)| close + WIDE_WEIGHT * wide);
            let weights: Vec<f32> = sum(3).collect();
            [0, 1, 2].map(|k| sum(k).zip(&weights).map(|(sum, weight)| 128.0 + sum / weight.max(1e-9)).collect())
        });
        Self { size, planes }
    }

    /// For subject and background, the weighted sums of Y', Cb, Cr (centred on grey) and the
    /// weights, around every pixel of the guide. Tiles with only one of the two stay 0.
    fn sums<const WINDOW: usize>(guide: &Guide, subject: &[f32]) -> ([usize; 2], [[Vec<f32>; 4]; 2]) {
        let (size, margin) = (guide.size, WINDOW / 2 + 1);
        let mut sides = [(); 2].map(|()| [(); 4].map(|()| vec![0.0; subject.len()]));
        for Tile { rect, constant } in tiles(subject, size, margin) {
            if constant.is_some_and(|share| share <= 0.0 || share >= 1.0) {
                continue; // Only one of the two is here: nothing to estimate.
            }
            let (wide, inner) = with_margin(&rect, margin, size);
            let part = guide.planes.each_ref().map(|plane| wide.crop(plane, size[0]));
            let width = wide.columns.len();
            let found = sums_of_part::<WINDOW>(&part, &wide.crop(subject, size[0]), width);
            for (plane, found) in sides.iter_mut().flatten().zip(found.iter().flatten()) {
                write(plane, size[0], &rect, inner.crop(found, width).into_iter());
            }
        }
        (size, sides)
    }

    /// The estimate at (`x`, `y`) of a frame of `full` width and height: that of the nearest pixel
    /// of the copy.
    fn at(&self, x: usize, y: usize, full: [usize; 2]) -> ColorEstimate {
        let at = y * self.size[1] / full[1] * self.size[0] + x * self.size[0] / full[0];
        let [subject, background] = self.planes.each_ref().map(|side| side.each_ref().map(|plane| plane[at]));
        ColorEstimate { subject, background }
    }
}

/// [`LocalColors::sums`] of one tile with its margin.
fn sums_of_part<const WINDOW: usize>(planes: &[Vec<f32>; 3], subject: &[f32], width: usize) -> [[Vec<f32>; 4]; 2] {
    // Half-resolution chroma carries the other side's hue a pixel farther than alpha shows.
    let subject = box_mean::<3>(subject, width);
    // The eighth power leaves slightly mixed pixels hardly any weight.
    let certainty = |share: f32| share.clamp(0.0, 1.0).powi(8) + 1e-9;
    [0, 1].map(|side| {
        let weights: Vec<f32> =
            subject.iter().map(|share| certainty(if side == 0 { *share } else { 1.0 - share })).collect();
        let weighted =
            |plane: &[f32]| -> Vec<f32> { plane.iter().zip(&weights).map(|(value, weight)| value * weight).collect() };
        let [y, cb, cr] = planes.each_ref().map(|plane| box_mean::<WINDOW>(&weighted(plane), width));
        [y, cb, cr, box_mean::<WINDOW>(&weights, width)]
    })
}
