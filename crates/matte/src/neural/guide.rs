//! Alpha as a local linear function of color: the guided filter of He, Sun and Tang (2013) with a guide in color.

use clearcut_frame::Frame;

use super::{
    boxes::boxed,
    shrink::{Zoom, shrunk},
    tiles::{Tile, fill, put, tiles, with_margin},
};

/// What color has to vary by (variance in levels) in a square before alpha follows it: grain of two levels.
const GRAIN: f32 = 4.0;

/// Y', Cb and Cr of a frame at another size, centred on grey.
pub(crate) struct Guide {
    pub(crate) size: [usize; 2],
    pub(crate) planes: [Vec<f32>; 3],
}

/// Per pixel, how alpha follows Y', Cb and Cr (centred on grey), and what it is without them.
pub(crate) struct Follows {
    size: [usize; 2],
    planes: [Vec<f32>; 4],
    tiles: Vec<Tile>,
}

impl Guide {
    /// `frame` at `size`.
    pub(crate) fn of(frame: &Frame, size: [usize; 2]) -> Self {
        let format = frame.format();
        let luma = [format.size.width() as usize, format.size.height() as usize];
        let chroma = <[usize; 2]>::from(format.chroma_size());
        let planes = [(frame.y(), luma), (frame.cb(), chroma), (frame.cr(), chroma)];
        let centred = |(plane, from): (&[u8], [usize; 2])| {
            let mut values = shrunk(plane, from, size);
            for value in &mut values {
                *value -= 128.0;
            }
            values
        };
        Self { size, planes: planes.map(centred) }
    }

    /// The same at `size`, which is no larger.
    pub(crate) fn shrunk_to(&self, size: [usize; 2]) -> Self {
        Self { size, planes: self.planes.each_ref().map(|plane| shrunk(plane, self.size, size)) }
    }

    /// How `alpha` follows color in the squares of `SIDE` (odd) pixels a side. Where alpha is settled all around it follows
    /// nothing.
    pub(crate) fn followed_by<const SIDE: usize>(&self, alpha: &[f32]) -> Follows {
        // A square of squares: each mean is itself averaged.
        let margin = SIDE - 1;
        let tiles = tiles(alpha, self.size, margin);
        let mut planes = [(); 4].map(|()| vec![0.0; alpha.len()]);
        for Tile { rect, settled } in &tiles {
            let width = self.size[0];
            if let Some(value) = settled {
                fill(&mut planes[3], width, rect, *value);
                continue;
            }
            let (wide, inner) = with_margin(rect, margin, self.size);
            let part = self.planes.each_ref().map(|plane| wide.of(plane, width));
            let found = followed::<SIDE>(&part, &wide.of(alpha, width), wide.columns.len());
            for (plane, found) in planes.iter_mut().zip(&found) {
                put(plane, width, rect, inner.of(found, wide.columns.len()).into_iter());
            }
        }
        Follows { size: self.size, planes, tiles }
    }
}

/// [`Follows::planes`] of a small frame.
fn followed<const SIDE: usize>([y, cb, cr]: &[Vec<f32>; 3], alpha: &[f32], width: usize) -> [Vec<f32>; 4] {
    let mean = |values: &[f32]| boxed::<SIDE>(values, width);
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
        let mut spread = [0.0; 6];
        for ((spread, moment), (a, b)) in spread.iter_mut().zip(&moments).zip(pairs) {
            *spread = moment[at] - color[a] * color[b] + if a == b { GRAIN } else { 0.0 };
        }
        let slopes = solved(spread, along);
        for k in 0..3 {
            planes[k][at] = slopes[k];
        }
        planes[3][at] = level[at] - (0..3).map(|k| slopes[k] * color[k]).sum::<f32>();
    }
    planes.map(|plane| mean(&plane))
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
        let zoom = Zoom::between(self.size, guide.size);
        let mut out = vec![0.0; guide.size[0] * guide.size[1]];
        for Tile { rect, settled } in &self.tiles {
            let rect = rect.at_size(self.size, guide.size);
            if let Some(value) = settled {
                fill(&mut out, guide.size[0], &rect, *value);
                continue;
            }
            let [y, cb, cr, mut alpha] = self.planes.each_ref().map(|plane| zoom.within(plane, &rect));
            for (follows, plane) in [y, cb, cr].iter().zip(&guide.planes) {
                add_products(&mut alpha, follows, &rect.of(plane, guide.size[0]), 0.0);
            }
            put(&mut out, guide.size[0], &rect, alpha.iter().copied());
        }
        out
    }

    /// Alpha as it follows every pixel of `frame`, unclamped at first and then as `settle` has it. What chroma says is summed
    /// up at its own resolution.
    pub(crate) fn at_every_pixel(&self, frame: &Frame, settle: impl Fn(f32) -> u8) -> Vec<u8> {
        let format = frame.format();
        let luma = [format.size.width() as usize, format.size.height() as usize];
        let chroma = <[usize; 2]>::from(format.chroma_size());
        let zoom = Zoom::between(self.size, chroma);
        let mut coarse = vec![0.0; chroma[0] * chroma[1]];
        for Tile { rect, settled } in &self.tiles {
            let rect = rect.at_size(self.size, chroma);
            if let Some(value) = settled {
                fill(&mut coarse, chroma[0], &rect, *value);
                continue;
            }
            let [cb, cr, mut level] = [1, 2, 3].map(|k| zoom.within(&self.planes[k], &rect));
            add_products(&mut level, &cb, &rect.of(frame.cb(), chroma[0]), 128.0);
            add_products(&mut level, &cr, &rect.of(frame.cr(), chroma[0]), 128.0);
            put(&mut coarse, chroma[0], &rect, level.iter().copied());
        }
        let (zoom, last) = (Zoom::between(self.size, luma), Zoom::between(chroma, luma));
        let mut out = vec![0; luma[0] * luma[1]];
        for Tile { rect, settled } in &self.tiles {
            let rect = rect.at_size(self.size, luma);
            if let Some(value) = settled {
                fill(&mut out, luma[0], &rect, settle(*value));
                continue;
            }
            let mut alpha = last.within(&coarse, &rect);
            let follows = zoom.within(&self.planes[0], &rect);
            add_products(&mut alpha, &follows, &rect.of(frame.y(), luma[0]), 128.0);
            put(&mut out, luma[0], &rect, alpha.iter().map(|alpha| settle(*alpha)));
        }
        out
    }
}

/// Adds `follows` times what `plane` is above `grey`.
fn add_products<T: Copy + Into<f32>>(alpha: &mut [f32], follows: &[f32], plane: &[T], grey: f32) {
    for (alpha, (follows, value)) in alpha.iter_mut().zip(follows.iter().zip(plane)) {
        *alpha += follows * ((*value).into() - grey);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_follow_color_as_the_whole_does() {
        let size = [150, 90];
        let level = |at: usize| (at * at * 31 % 197) as f32 - 98.0;
        let planes = [1, 5, 9].map(|k| (0..size[0] * size[1]).map(|at| level(at * k)).collect::<Vec<f32>>());
        let disc = |at: usize| ((at % 150) as f32 - 70.0).hypot((at / 150) as f32 - 40.0);
        let alpha: Vec<f32> = (0..size[0] * size[1]).map(|at| ((24.0 - disc(at)) / 4.0).clamp(0.0, 1.0)).collect();
        let whole = followed::<7>(&planes, &alpha, size[0]);
        let pieces = Guide { size, planes }.followed_by::<7>(&alpha);
        assert!(pieces.tiles.iter().any(|tile| tile.settled == Some(0.0)));
        for (whole, pieces) in whole.iter().zip(&pieces.planes) {
            assert!(whole.iter().zip(pieces).all(|(a, b)| (a - b).abs() < 1e-4));
        }
    }

    #[test]
    fn a_symmetric_system_is_solved() {
        let [x, y, z] = solved([4.0, 1.0, 0.5, 3.0, -1.0, 5.0], [1.0, 2.0, 3.0]);
        let back = [4.0 * x + y + 0.5 * z, x + 3.0 * y - z, 0.5 * x - y + 5.0 * z];
        assert!(back.iter().zip([1.0, 2.0, 3.0]).all(|(a, b)| (a - b).abs() < 1e-4), "{back:?}");
    }
}
