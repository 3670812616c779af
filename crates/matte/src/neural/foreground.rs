//! The subject's own colour where it is mixed with what is behind it.
//!
//! Subject and background are guessed from what is surely one or the other nearby, and what the compositing equation then
//! leaves over is the subject's as far as it is seen (Forte 2021, after Germer et al. 2020).

use clearcut_frame::Picture;

use super::{
    boxes::boxed,
    guide::Guide,
    refine::grid,
    shrink::{shrunk, stretched},
};
use crate::{band::BandPixel, outline::place, unmix::Unmixed};

/// How far is looked around on the copy, close by.
const CLOSE_REACH: usize = 3;
/// Longer side of the copy on which is looked wide, where nothing sure is close by, and how far.
const WIDE_SIDE: u32 = 80;
const WIDE_REACH: usize = 4;
/// How much what is seen wide counts against what is seen close by.
const WIDE: f32 = 0.01;
/// The most that a pixel may differ from what is guessed for it, in levels: more is the guess's error, not texture.
const TEXTURE: f32 = 64.0;

/// The band of `picture` where `alpha` is between clear and solid, with the subject's colour; at half-resolution chroma also
/// the solid pixels that share a sample with clear or mixed ones, whose chroma is mixed too.
///
/// `guide` is a copy of the picture on which is looked around.
pub(crate) fn band_of(picture: &Picture, guide: &Guide, alpha: &[u8]) -> Vec<BandPixel> {
    let format = picture.format();
    let shift = format.subsampling.shift();
    let (width, height) = (format.size.width() as usize, format.size.height() as usize);
    let (columns, _) = format.chroma_size();
    let sides = Sides::around(picture, guide, alpha);
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
        let [cb, cr] = [picture.cb()[sample], picture.cr()[sample]].map(f32::from);
        let chroma = [guessed.own(1, cb, mean), guessed.own(2, cr, mean)];
        for index in rows.flat_map(|y| span.clone().map(move |x| y * width + x)) {
            let share = f32::from(alpha[index]) / 255.0;
            if alpha[index] > 0 {
                let luma = guessed.own(0, f32::from(picture.y()[index]), share);
                let unmixed = Unmixed { alpha: share, foreground: [luma, chroma[0], chroma[1]] };
                band.push(BandPixel { index: index as u32, unmixed });
            }
        }
    }
    band
}

/// The colours of subject and background around every pixel, on a small copy.
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
    fn around(picture: &Picture, guide: &Guide, alpha: &[u8]) -> Self {
        let full = [picture.size().width() as usize, picture.size().height() as usize];
        let subject: Vec<f32> = shrunk(alpha, full, guide.size).iter().map(|alpha| alpha / 255.0).collect();
        let small = guide.shrunk_to(grid(picture.size(), WIDE_SIDE));
        let few = shrunk(&subject, guide.size, small.size);
        let close = Self::sums(guide, &subject, CLOSE_REACH);
        let wide = Self::sums(&small, &few, WIDE_REACH);
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

    /// Per side the weighted sums of Y', Cb, Cr (centred on grey) and the weights, around every pixel of a copy.
    fn sums(guide: &Guide, subject: &[f32], reach: usize) -> ([usize; 2], [[Vec<f32>; 4]; 2]) {
        let size = guide.size;
        // Half-resolution chroma carries the other side's hue a pixel further than alpha tells.
        let subject = boxed(subject, size[0], 1);
        // The eighth power: what is a little mixed hardly counts.
        let sure = |share: f32| share.clamp(0.0, 1.0).powi(8) + 1e-9;
        let sides = [0, 1].map(|side| {
            let weights: Vec<f32> =
                subject.iter().map(|share| sure(if side == 0 { *share } else { 1.0 - share })).collect();
            let weighted = |plane: &[f32]| -> Vec<f32> {
                plane.iter().zip(&weights).map(|(value, weight)| value * weight).collect()
            };
            let [y, cb, cr] = guide.planes.each_ref().map(|plane| boxed(&weighted(plane), size[0], reach));
            [y, cb, cr, boxed(&weights, size[0], reach)]
        });
        (size, sides)
    }

    /// What is guessed at (`x`, `y`) of a picture of `full` width and height: that of the nearest pixel of the copy.
    fn at(&self, x: usize, y: usize, full: [usize; 2]) -> Guessed {
        let at = y * self.size[1] / full[1] * self.size[0] + x * self.size[0] / full[0];
        let [subject, background] = self.planes.each_ref().map(|side| side.each_ref().map(|plane| plane[at]));
        Guessed { subject, background }
    }
}
