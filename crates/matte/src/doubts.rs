//! Parts of the subject whose alpha is in doubt by their kind: fine, soft and faint ones. They are
//! sampled on a grid.

use clearcut_frame::Frame;

use crate::{
    distance_map::LIMIT,
    tiles::{Defect, TILE, Tiles},
};

/// Alpha from which a pixel counts as subject: a tenth.
pub(crate) const VISIBLE: u8 = 26;

/// Step of the grid of sampled pixels, across and down. A pixel of it counts for all of its cell.
const STEP: usize = 4;

/// Number of pixels that a sampled pixel counts for.
const CELL: u64 = (STEP * STEP) as u64;

/// Width up to which a part is fine, in pixels.
const FINE: usize = 8;

/// Alpha up to which a pixel is translucent: nine tenths.
const TRANSLUCENT: u8 = 229;

/// Distance from all clear and solid pixels, in pixels, from which on a translucent pixel belongs
/// to something soft instead of an edge.
const SOFT: usize = 5;

/// Largest luma, and largest distance from grey, of the color of a shadow: black, and the error of
/// its tint. Its density is known, because its color is.
const SHADOW_LUMA: u8 = 52;
const SHADOW_CHROMA: u8 = 24;

/// Distance from the background below which a part is faint, see
/// [`crate::distance_map::DistanceMap::distance`].
const FAINT: u8 = 3 * LIMIT;

/// Distance, in pixels, at which the surroundings of a faint pixel must be faint as well: farther
/// than the edge of anything else reaches.
const FAINT_REACH: usize = 3;

/// The eight directions.
const DIRECTIONS: [[isize; 2]; 8] = [[1, 0], [-1, 0], [0, 1], [0, -1], [1, 1], [-1, -1], [1, -1], [-1, 1]];

/// Fine, soft and faint parts of a subject.
#[derive(Debug)]
pub(crate) struct Doubts {
    pub(crate) fine: Defect,
    pub(crate) soft: Defect,
    pub(crate) faint: Defect,
}

impl Doubts {
    /// Measures the finished matte of `frame` from its alpha and color and its distances from the
    /// background.
    pub(crate) fn measure(frame: &Frame, distance: &[u8]) -> Self {
        let size = [frame.size().width() as usize, frame.size().height() as usize];
        let matte = Matte { frame, alpha: frame.alpha().unwrap_or_default(), distance, size };
        let [mut fine, mut soft, mut faint] = [0; 3].map(|_| Tiles::new(size));
        let [width, height] = size;
        for y in (STEP / 2..height).step_by(STEP) {
            for x in (STEP / 2..width).step_by(STEP).filter(|&x| matte.alpha[y * width + x] >= VISIBLE) {
                for (tiles, counts) in [
                    (&mut fine, matte.is_fine([x, y])),
                    (&mut soft, matte.is_soft([x, y])),
                    (&mut faint, matte.is_faint([x, y])),
                ] {
                    tiles.row(y)[x / TILE] += if counts { CELL } else { 0 };
                }
            }
        }
        let [fine, soft, faint] = [fine, soft, faint].map(|tiles| tiles.defect(0));
        Self { fine, soft, faint }
    }
}

/// One matte.
struct Matte<'a> {
    frame: &'a Frame,
    alpha: &'a [u8],
    distance: &'a [u8],
    size: [usize; 2],
}

impl Matte<'_> {
    /// The pixel `steps` away in a direction; `None` beyond the frame.
    fn neighbor(&self, place: [usize; 2], direction: [isize; 2], steps: usize) -> Option<usize> {
        let [x, y] = [0, 1].map(|k| place[k].wrapping_add_signed(direction[k] * steps as isize));
        let [width, height] = self.size;
        (x < width && y < height).then(|| y * width + x)
    }

    /// Returns true if the subject is at most [`FINE`] pixels wide here, across or down. The frame
    /// may cut it off.
    fn is_fine(&self, place: [usize; 2]) -> bool {
        let is_clear =
            |direction, steps| self.neighbor(place, direction, steps).is_some_and(|index| self.alpha[index] < VISIBLE);
        [[1, 0], [0, 1]].into_iter().any(|[x, y]| {
            let [after, before] =
                [[x, y], [-x, -y]].map(|direction| (1..=FINE).take_while(|&steps| !is_clear(direction, steps)).count());
            before + 1 + after <= FINE
        })
    }

    /// Returns true if this pixel and all around are translucent, and its color is not a shadow's.
    fn is_soft(&self, place: [usize; 2]) -> bool {
        let is_translucent = |index: usize| (VISIBLE..=TRANSLUCENT).contains(&self.alpha[index]);
        is_translucent(place[1] * self.size[0] + place[0])
            && DIRECTIONS.iter().all(|&direction| {
                (1..SOFT).all(|steps| self.neighbor(place, direction, steps).is_none_or(is_translucent))
            })
            && !self.is_dark(place)
    }

    fn is_dark(&self, [x, y]: [usize; 2]) -> bool {
        let shift = self.frame.format().subsampling.shift();
        let chroma = (y >> shift) * self.frame.format().chroma_size().0 + (x >> shift);
        self.frame.y()[y * self.size[0] + x] < SHADOW_LUMA
            && [self.frame.cb(), self.frame.cr()].iter().all(|plane| plane[chroma].abs_diff(128) < SHADOW_CHROMA)
    }

    /// Returns true if this pixel and those around have nearly the background's color.
    fn is_faint(&self, place: [usize; 2]) -> bool {
        let is_faint = |index: usize| self.alpha[index] >= VISIBLE && self.distance[index] < FAINT;
        is_faint(place[1] * self.size[0] + place[0])
            && DIRECTIONS.iter().all(|&direction| self.neighbor(place, direction, FAINT_REACH).is_some_and(is_faint))
    }
}
