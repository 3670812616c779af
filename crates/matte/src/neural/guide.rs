//! Guided filter: alpha as a local linear function of color (He, Sun and Tang 2013, with a color
//! guide).

use clearcut_frame::{Frame, Size};

use super::{
    boxes::box_mean,
    shrink::{Zoom, resized},
    tiles::{Tile, fill, tiles, with_margin, write},
};

/// Regularization: the variance of color in a square, in squared levels, that alpha needs to follow
/// it. It stands for grain of two levels.
const GRAIN_VARIANCE: f32 = 4.0;

/// Guide of the filter: Y', Cb and Cr of a frame at another size, centred on grey.
pub(crate) struct Guide {
    pub(crate) size: [usize; 2],
    pub(crate) planes: [Vec<f32>; 3],
}

/// Coefficients of the filter: per pixel, the slopes of alpha with Y', Cb and Cr (centred on grey),
/// and its constant part.
pub(crate) struct Coefficients {
    size: [usize; 2],
    planes: [Vec<f32>; 4],
    tiles: Vec<Tile>,
}

impl Guide {
    /// The guide for `frame` at `size`.
    pub(crate) fn from_frame(frame: &Frame, size: [usize; 2]) -> Self {
        let format = frame.format();
        let luma = [format.size.width() as usize, format.size.height() as usize];
        let chroma = <[usize; 2]>::from(format.chroma_size());
        let planes = [(frame.y(), luma), (frame.cb(), chroma), (frame.cr(), chroma)];
        let centred = |(plane, from): (&[u8], [usize; 2])| {
            let mut values = resized(plane, from, size);
            for value in &mut values {
                *value -= 128.0;
            }
            values
        };
        Self { size, planes: planes.map(centred) }
    }

    /// The guide at `size`, which is no larger.
    pub(crate) fn resized_to(&self, size: [usize; 2]) -> Self {
        Self { size, planes: self.planes.each_ref().map(|plane| resized(plane, self.size, size)) }
    }

    /// Fits `alpha` to the colors of the guide, in squares of `SIDE` (odd) pixels a side. Where
    /// alpha is constant all around, the slopes are 0.
    pub(crate) fn fit<const SIDE: usize>(&self, alpha: &[f32]) -> Coefficients {
        // Each mean is itself averaged, so the margin is twice the reach of a square.
        let margin = SIDE - 1;
        let tiles = tiles(alpha, self.size, margin);
        let mut planes = [(); 4].map(|()| vec![0.0; alpha.len()]);
        for Tile { rect, constant } in &tiles {
            let width = self.size[0];
            if let Some(value) = constant {
                fill(&mut planes[3], width, rect, *value);
                continue;
            }
            let (wide, inner) = with_margin(rect, margin, self.size);
            let part = self.planes.each_ref().map(|plane| wide.crop(plane, width));
            let found = fit_part::<SIDE>(&part, &wide.crop(alpha, width), wide.columns.len());
            for (plane, found) in planes.iter_mut().zip(&found) {
                write(plane, width, rect, inner.crop(found, wide.columns.len()).into_iter());
            }
        }
        Coefficients { size: self.size, planes, tiles }
    }
}

/// Computes [`Coefficients::planes`] for one tile with its margin.
fn fit_part<const SIDE: usize>([y, cb, cr]: &[Vec<f32>; 3], alpha: &[f32], width: usize) -> [Vec<f32>; 4] {
    let mean = |values: &[f32]| box_mean::<SIDE>(values, width);
    let product = |a: &[f32], b: &[f32]| -> Vec<f32> { a.iter().zip(b).map(|(a, b)| a * b).collect() };
    let means = [y, cb, cr].map(|plane| mean(plane));
    let moments = [(y, y), (y, cb), (y, cr), (cb, cb), (cb, cr), (cr, cr)].map(|(a, b)| mean(&product(a, b)));
    let with_alpha = [y, cb, cr].map(|plane| mean(&product(plane, alpha)));
    let level = mean(alpha);
    let mut planes = [(); 4].map(|()| vec![0.0; alpha.len()]);
    for at in 0..alpha.len() {
        let color = [0, 1, 2].map(|k| means[k][at]);
        let along = [0, 1, 2].map(|k| with_alpha[k][at] - color[k] * level[at]);
        let pairs = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)];
        let mut covariance = [0.0; 6];
        for ((covariance, moment), (a, b)) in covariance.iter_mut().zip(&moments).zip(pairs) {
            *covariance = moment[at] - color[a] * color[b] + if a == b { GRAIN_VARIANCE } else { 0.0 };
        }
        let slopes = solve(covariance, along);
        for k in 0..3 {
            planes[k][at] = slopes[k];
        }
        planes[3][at] = level[at] - (0..3).map(|k| slopes[k] * color[k]).sum::<f32>();
    }
    planes.map(|plane| mean(&plane))
}

/// Solves the symmetric system `[xx, xy, xz, yy, yz, zz]` x = `along` for x, by cofactors.
fn solve([xx, xy, xz, yy, yz, zz]: [f32; 6], along: [f32; 3]) -> [f32; 3] {
    let (a, b, c) = (yy * zz - yz * yz, xz * yz - xy * zz, xy * yz - xz * yy);
    let (d, e, f) = (xx * zz - xz * xz, xy * xz - xx * yz, xx * yy - xy * xy);
    let scale = 1.0 / (xx * a + xy * b + xz * c);
    let row = |row: [f32; 3]| (0..3).map(|k| row[k] * along[k]).sum::<f32>() * scale;
    [row([a, b, c]), row([b, d, e]), row([c, e, f])]
}

impl Coefficients {
    /// The alpha that the coefficients give for `guide`, not clamped.
    pub(crate) fn alpha_for(&self, guide: &Guide) -> Vec<f32> {
        let zoom = Zoom::between(self.size, guide.size);
        let mut out = vec![0.0; guide.size[0] * guide.size[1]];
        for Tile { rect, constant } in &self.tiles {
            let rect = rect.at_size(self.size, guide.size);
            if let Some(value) = constant {
                fill(&mut out, guide.size[0], &rect, *value);
                continue;
            }
            let [y, cb, cr, mut alpha] = self.planes.each_ref().map(|plane| zoom.within(plane, &rect));
            for (slope, plane) in [y, cb, cr].iter().zip(&guide.planes) {
                add_products(&mut alpha, slope, &rect.crop(plane, guide.size[0]), 0.0);
            }
            write(&mut out, guide.size[0], &rect, alpha.iter().copied());
        }
        out
    }

    /// The alpha that the coefficients give for every pixel of `frame`, converted by `to_level`.
    /// The part of chroma is summed up at chroma's own resolution.
    pub(crate) fn alpha_at_full_size(&self, frame: &Frame, to_level: impl Fn(f32) -> u8) -> Vec<u8> {
        let format = frame.format();
        let luma = [format.size.width() as usize, format.size.height() as usize];
        let chroma = <[usize; 2]>::from(format.chroma_size());
        let zoom = Zoom::between(self.size, chroma);
        let mut coarse = vec![0.0; chroma[0] * chroma[1]];
        for Tile { rect, constant } in &self.tiles {
            let rect = rect.at_size(self.size, chroma);
            if let Some(value) = constant {
                fill(&mut coarse, chroma[0], &rect, *value);
                continue;
            }
            let [cb, cr, mut level] = [1, 2, 3].map(|k| zoom.within(&self.planes[k], &rect));
            add_products(&mut level, &cb, &rect.crop(frame.cb(), chroma[0]), 128.0);
            add_products(&mut level, &cr, &rect.crop(frame.cr(), chroma[0]), 128.0);
            write(&mut coarse, chroma[0], &rect, level.iter().copied());
        }
        let (zoom, last) = (Zoom::between(self.size, luma), Zoom::between(chroma, luma));
        let mut out = vec![0; luma[0] * luma[1]];
        for Tile { rect, constant } in &self.tiles {
            let rect = rect.at_size(self.size, luma);
            if let Some(value) = constant {
                fill(&mut out, luma[0], &rect, to_level(*value));
                continue;
            }
            let mut alpha = last.within(&coarse, &rect);
            let slope = zoom.within(&self.planes[0], &rect);
            add_products(&mut alpha, &slope, &rect.crop(frame.y(), luma[0]), 128.0);
            write(&mut out, luma[0], &rect, alpha.iter().map(|alpha| to_level(*alpha)));
        }
        out
    }
}

/// Adds `slope` times the difference of `plane` from `grey`.
fn add_products<T: Copy + Into<f32>>(alpha: &mut [f32], slope: &[f32], plane: &[T], grey: f32) {
    for (alpha, (slope, value)) in alpha.iter_mut().zip(slope.iter().zip(plane)) {
        *alpha += slope * ((*value).into() - grey);
    }
}

/// Size of a copy of the frame with `side` as its longer side, or the frame's own size if that is
/// smaller.
pub(crate) fn working_size(size: Size, side: u32) -> [usize; 2] {
    let small = size.with_longest_side(side.min(size.longest_side()));
    [small.width() as usize, small.height() as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fit_in_tiles_equals_the_fit_of_the_whole_plane() {
        let size = [150, 90];
        let level = |at: usize| (at * at * 31 % 197) as f32 - 98.0;
        let planes = [1, 5, 9].map(|k| (0..size[0] * size[1]).map(|at| level(at * k)).collect::<Vec<f32>>());
        let disc = |at: usize| ((at % 150) as f32 - 70.0).hypot((at / 150) as f32 - 40.0);
        let alpha: Vec<f32> = (0..size[0] * size[1]).map(|at| ((24.0 - disc(at)) / 4.0).clamp(0.0, 1.0)).collect();
        let whole = fit_part::<7>(&planes, &alpha, size[0]);
        let pieces = Guide { size, planes }.fit::<7>(&alpha);
        assert!(pieces.tiles.iter().any(|tile| tile.constant == Some(0.0)));
        for (whole, pieces) in whole.iter().zip(&pieces.planes) {
            assert!(whole.iter().zip(pieces).all(|(a, b)| (a - b).abs() < 1e-4));
        }
    }

    #[test]
    fn a_symmetric_system_is_solved() {
        let [x, y, z] = solve([4.0, 1.0, 0.5, 3.0, -1.0, 5.0], [1.0, 2.0, 3.0]);
        let back = [4.0 * x + y + 0.5 * z, x + 3.0 * y - z, 0.5 * x - y + 5.0 * z];
        assert!(back.iter().zip([1.0, 2.0, 3.0]).all(|(a, b)| (a - b).abs() < 1e-4), "{back:?}");
    }
}
