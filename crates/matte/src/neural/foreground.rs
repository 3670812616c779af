//! The subject's own color where it is mixed with what is behind it.
//!
//! Subject and background are guessed from what is surely one or the other nearby, and what the compositing equation then
//! leaves over is the subject's as far as it is seen (Forte 2021, after Germer et al. 2020).

use clearcut_frame::Frame;

use super::{
    boxes::boxed,
    guide::Guide,
    refine::grid,
    shrink::{shrunk, stretched},
    tiles::{Tile, put, tiles, with_margin},
};
use crate::{band::BandPixel, outline::place, unmix::Unmixed};

/// Side of the squares in which is looked around on the copy, close by.
const CLOSE_LOOK: usize = 7;
/// Longer side of the copy on which is looked wide, where nothing sure is close by, and in what squares.
const WIDE_SIDE: u32 = 80;
const WIDE_LOOK: usize = 9;
/// How much what is seen wide counts against what is seen close by.
const WIDE: f32 = 0.01;
/// The most that a pixel may differ from what is guessed for it, in levels: more is the guess's error, not texture.
const TEXTURE: f32 = 64.0;

/// The band of `frame` where `alpha` is between clear and solid, with the subject's color; at half-resolution chroma also
/// the solid pixels that share a sample with clear or mixed ones, whose chroma is mixed too.
///
/// `guide` is a copy of the frame on which is looked around.
pub(crate) fn band_of(frame: &Frame, guide: &Guide, alpha: &[u8]) -> Vec<BandPixel> {
    let format = frame.format();
    let shift = format.subsampling.shift();
    let (width, height) = (format.size.width() as usize, format.size.height() as usize);
    let (columns, _) = format.chroma_size();
    let sides = Sides::around(frame, guide, alpha);
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
        let guessed = sides.at(left, top, [width, height]);
        let [cb, cr] = [frame.cb()[sample], frame.cr()[sample]].map(f32::from);
        let chroma = [guessed.own(1, cb, mean), guessed.own(2, cr, mean)];
        for index in rows.flat_map(|y| span.clone().map(move |x| y * width + x)) {
            let share = f32::from(alpha[index]) / 255.0;
            if alpha[index] > 0 {
                let luma = guessed.own(0, f32::from(frame.y()[index]), share);
                let unmixed = Unmixed { alpha: share, foreground: [luma, chroma[0], chroma[1]] };
                band.push(BandPixel { index: index as u32, unmixed });
            }
        }
    }
    band
}

/// The colors of subject and background around every pixel, on a small copy.
struct Sides {
    size: [usize; 2],
    /// Subject and background: Y', Cb, Cr each.
    planes: [[Vec<f32>; 3]; 2],
}

/// What is guessed for one pixel.
struct Guessed {
    subject: [f32; 3],
    background: [f32; 3],
}

impl Guessed {
    /// The subject's own part of what is `seen` of plane `k`, if it covers `share` of it.
    fn own(&self, k: usize, seen: f32, share: f32) -> f32 {
        let mixed = share * self.subject[k] + (1.0 - share) * self.background[k];
        self.subject[k] + share * (seen - mixed).clamp(-TEXTURE, TEXTURE)
    }
}

impl Sides {
    fn around(frame: &Frame, guide: &Guide, alpha: &[u8]) -> Self {
        let full = [frame.size().width() as usize, frame.size().height() as usize];
        let subject: Vec<f32> = shrunk(alpha, full, guide.size).iter().map(|alpha| alpha / 255.0).collect();
        let small = guide.shrunk_to(grid(frame.size(), WIDE_SIDE));
        let few = shrunk(&subject, guide.size, small.size);
        let close = Self::sums::<CLOSE_LOOK>(guide, &subject);
        let wide = Self::sums::<WIDE_LOOK>(&small, &few);
        let size = close.0;
        let planes = [0, 1].map(|side| {
            let [close, wide] = [(&close.1[side], close.0), (&wide.1[side], wide.0)];
            let wide: Vec<Vec<f32>> = wide.0.iter().map(|plane| stretched(plane, wide.1, size)).collect();
            let sum = |k: usize| close.0[k].iter().zip(&wide[k]).map(|(close, wide)| close + WIDE * wide);
            let weights: Vec<f32> = sum(3).collect();
            [0, 1, 2].map(|k| sum(k).zip(&weights).map(|(sum, weight)| 128.0 + sum / weight.max(1e-9)).collect())
        });
        Self { size, planes }
    }

    /// Per side the weighted sums of Y', Cb, Cr (centred on grey) and the weights, around every pixel of a copy that has both
    /// sides around it.
    fn sums<const LOOK: usize>(guide: &Guide, subject: &[f32]) -> ([usize; 2], [[Vec<f32>; 4]; 2]) {
        let (size, margin) = (guide.size, LOOK / 2 + 1);
        let mut sides = [(); 2].map(|()| [(); 4].map(|()| vec![0.0; subject.len()]));
        for Tile { rect, settled } in tiles(subject, size, margin) {
            if settled.is_some_and(|share| share <= 0.0 || share >= 1.0) {
                continue; // One side only: nothing to guess.
            }
            let (wide, inner) = with_margin(&rect, margin, size);
            let part = guide.planes.each_ref().map(|plane| wide.of(plane, size[0]));
            let width = wide.columns.len();
            let found = sums_of_part::<LOOK>(&part, &wide.of(subject, size[0]), width);
            for (plane, found) in sides.iter_mut().flatten().zip(found.iter().flatten()) {
                put(plane, size[0], &rect, inner.of(found, width).into_iter());
            }
        }
        (size, sides)
    }

    /// What is guessed at (`x`, `y`) of a frame of `full` width and height: that of the nearest pixel of the copy.
    fn at(&self, x: usize, y: usize, full: [usize; 2]) -> Guessed {
        let at = y * self.size[1] / full[1] * self.size[0] + x * self.size[0] / full[0];
        let [subject, background] = self.planes.each_ref().map(|side| side.each_ref().map(|plane| plane[at]));
        Guessed { subject, background }
    }
}

/// [`Sides::sums`] of a small frame.
fn sums_of_part<const LOOK: usize>(planes: &[Vec<f32>; 3], subject: &[f32], width: usize) -> [[Vec<f32>; 4]; 2] {
    // Half-resolution chroma carries the other side's hue a pixel further than alpha tells.
    let subject = boxed::<3>(subject, width);
    // The eighth power: what is a little mixed hardly counts.
    let sure = |share: f32| share.clamp(0.0, 1.0).powi(8) + 1e-9;
    [0, 1].map(|side| {
        let weights: Vec<f32> =
            subject.iter().map(|share| sure(if side == 0 { *share } else { 1.0 - share })).collect();
        let weighted =
            |plane: &[f32]| -> Vec<f32> { plane.iter().zip(&weights).map(|(value, weight)| value * weight).collect() };
        let [y, cb, cr] = planes.each_ref().map(|plane| boxed::<LOOK>(&weighted(plane), width));
        [y, cb, cr, boxed::<LOOK>(&weights, width)]
    })
}
