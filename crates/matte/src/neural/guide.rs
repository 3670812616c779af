//! Alpha as a local linear function of colour: the guided filter of He, Sun and Tang (2013) with a guide in colour.

use clearcut_frame::Picture;

use super::{
    boxes::boxed,
    shrink::{shrunk, stretched},
};

/// What colour has to vary by (variance in levels) in a square before alpha follows it: grain of two levels.
const GRAIN: f32 = 4.0;

/// Y', Cb and Cr of a picture at another size, centred on grey.
pub(crate) struct Guide {
    pub(crate) size: [usize; 2],
    pub(crate) planes: [Vec<f32>; 3],
}

/// Per pixel, how alpha follows Y', Cb and Cr (centred on grey), and what it is without them.
pub(crate) struct Follows {
    size: [usize; 2],
    planes: [Vec<f32>; 4],
}

impl Guide {
    /// `picture` at `size`.
    pub(crate) fn of(picture: &Picture, size: [usize; 2]) -> Self {
        let format = picture.format();
        let luma = [format.size.width() as usize, format.size.height() as usize];
        let chroma = <[usize; 2]>::from(format.chroma_size());
        let planes = [(picture.y(), luma), (picture.cb(), chroma), (picture.cr(), chroma)];
        let centred = |(plane, from): (&[u8], [usize; 2])| {
            let mut values = shrunk(plane, from, size);
            for value in &mut values {
                *value -= 128.0;
            }
            values
        };
        Self { size, planes: planes.map(centred) }
    }

    /// How `alpha` follows colour in the squares of `2 × reach + 1` pixels a side.
    pub(crate) fn followed_by(&self, alpha: &[f32], reach: usize) -> Follows {
        let width = self.size[0];
        let mean = |values: &[f32]| boxed(values, width, reach);
        let product = |a: &[f32], b: &[f32]| -> Vec<f32> { a.iter().zip(b).map(|(a, b)| a * b).collect() };
        let [y, cb, cr] = &self.planes;
        let means = [y, cb, cr].map(|plane| mean(plane));
        let moments = [(y, y), (y, cb), (y, cr), (cb, cb), (cb, cr), (cr, cr)].map(|(a, b)| mean(&product(a, b)));
        let with_alpha = [y, cb, cr].map(|plane| mean(&product(plane, alpha)));
        let level = mean(alpha);
        let mut planes = [(); 4].map(|()| vec![0.0; alpha.len()]);
        for at in 0..alpha.len() {
            let colour = [0, 1, 2].map(|k| means[k][at]);
            let along = [0, 1, 2].map(|k| with_alpha[k][at] - colour[k] * level[at]);
            let pairs = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)];
            let mut spread = [0.0; 6];
            for ((spread, moment), (a, b)) in spread.iter_mut().zip(&moments).zip(pairs) {
                *spread = moment[at] - colour[a] * colour[b] + if a == b { GRAIN } else { 0.0 };
            }
            let slopes = solved(spread, along);
            for k in 0..3 {
                planes[k][at] = slopes[k];
            }
            planes[3][at] = level[at] - (0..3).map(|k| slopes[k] * colour[k]).sum::<f32>();
        }
        Follows { size: self.size, planes: planes.map(|plane| mean(&plane)) }
    }
}

/// x of the symmetric system `[xx, xy, xz, yy, yz, zz]` x = `along`, by cofactors.
fn solved([xx, xy, xz, yy, yz, zz]: [f32; 6], along: [f32; 3]) -> [f32; 3] {
    let (a, b, c) = (yy * zz - yz * yz, xz * yz - xy * zz, xy * yz - xz * yy);
    let (d, e, f) = (xx * zz - xz * xz, xy * xz - xx * yz, xx * yy - xy * xy);
    let scale = 1.0 / (xx * a + xy * b + xz * c);
    let row = |row: [f32; 3]| (0..3).map(|k| row[k] * along[k]).sum::<f32>() * scale;
    [row([a, b, c]), row([b, d, e]), row([c, e, f])]
}

impl Follows {
    /// Alpha as it follows `guide`, unclamped.
    pub(crate) fn at(&self, guide: &Guide) -> Vec<f32> {
        let [y, cb, cr, level] = [0, 1, 2, 3].map(|k| stretched(&self.planes[k], self.size, guide.size));
        let mut alpha = level;
        for (follows, plane) in [y, cb, cr].iter().zip(&guide.planes) {
            for (alpha, (follows, value)) in alpha.iter_mut().zip(follows.iter().zip(plane)) {
                *alpha += follows * value;
            }
        }
        alpha
    }

    /// Alpha as it follows every pixel of `picture`, unclamped. What chroma says is summed up at its own resolution.
    pub(crate) fn at_every_pixel(&self, picture: &Picture) -> Vec<f32> {
        let format = picture.format();
        let luma = [format.size.width() as usize, format.size.height() as usize];
        let chroma = <[usize; 2]>::from(format.chroma_size());
        let [cb, cr, level] = [1, 2, 3].map(|k| stretched(&self.planes[k], self.size, chroma));
        let mut coarse = level;
        for (follows, plane) in [(cb, picture.cb()), (cr, picture.cr())] {
            for (coarse, (follows, value)) in coarse.iter_mut().zip(follows.iter().zip(plane)) {
                *coarse += follows * (f32::from(*value) - 128.0);
            }
        }
        let mut alpha = stretched(&coarse, chroma, luma);
        let follows = stretched(&self.planes[0], self.size, luma);
        for (alpha, (follows, value)) in alpha.iter_mut().zip(follows.iter().zip(picture.y())) {
            *alpha += follows * (f32::from(*value) - 128.0);
        }
        alpha
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_symmetric_system_is_solved() {
        let [x, y, z] = solved([4.0, 1.0, 0.5, 3.0, -1.0, 5.0], [1.0, 2.0, 3.0]);
        let back = [4.0 * x + y + 0.5 * z, x + 3.0 * y - z, 0.5 * x - y + 5.0 * z];
        assert!(back.iter().zip([1.0, 2.0, 3.0]).all(|(a, b)| (a - b).abs() < 1e-4), "{back:?}");
    }
}
