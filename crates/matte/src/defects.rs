//! Possible defects of a matte: how many pixels may be wrong, and where.

use clearcut_frame::Frame;

use crate::{
    distance_map::LIMIT,
    doubts::{Doubts, VISIBLE},
    regions::Regions,
    tiles::{Defect, Extent, TILE, Tiles},
};

/// Distance below which a pixel has nearly the background's color: twice what the background's
/// noise explains.
const NEAR: u8 = 2 * LIMIT;

/// Possible errors in the matte of one frame.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Defects {
    /// Number of subject pixels: those with an alpha of a tenth and more.
    pub subject: u64,
    /// Possible holes: enclosed by subject, of nearly the background's color, and removed.
    pub holes: Defect,
    /// Enclosed by subject, of the background's color, and kept.
    pub lookalikes: Defect,
    /// Possible residue: nearly of the background's color, and kept.
    pub residue: Defect,
    /// Fine parts of the subject: at most eight pixels wide.
    pub fine: Defect,
    /// Soft parts of the subject: translucent beyond the width of an edge, and no shadow.
    pub soft: Defect,
    /// Faint parts of the subject: of a color near the background's.
    pub faint: Defect,
}

impl Defects {
    /// Measures the finished matte of `frame` from its distances from the background and its
    /// classified regions.
    pub(crate) fn measure(frame: &Frame, distance: &[u8], regions: &Regions) -> Self {
        let size = [frame.size().width() as usize, frame.size().height() as usize];
        let rows = frame.alpha().unwrap_or_default().chunks_exact(size[0]).zip(distance.chunks_exact(size[0]));
        let mut near = Tiles::new(size);
        let mut subject = 0;
        for (y, (alpha, distance)) in rows.enumerate() {
            for ((alpha, distance), tile) in alpha.chunks(TILE).zip(distance.chunks(TILE)).zip(near.row(y)) {
                // Counting in bytes processes many pixels at once.
                let (mut visible, mut faint) = (0_u8, 0_u8);
                for (&alpha, &distance) in alpha.iter().zip(distance) {
                    visible += u8::from(alpha >= VISIBLE);
                    faint += u8::from(alpha >= VISIBLE) & u8::from(distance < NEAR);
                }
                subject += u64::from(visible);
                *tile += u64::from(faint);
            }
        }
        let [lookalikes, holes] = suspect_pockets(regions);
        let Doubts { fine, soft, faint } = Doubts::measure(frame, distance);
        Self { subject, holes, lookalikes, residue: near.defect(lookalikes.pixels), fine, soft, faint }
    }
}

/// Pockets that may be misclassified: first flat ones that were kept, then removed ones that
/// are twice as far from the background's color as noise alone explains (a quarter of the limit).
fn suspect_pockets(regions: &Regions) -> [Defect; 2] {
    let mut found = [Defect::default(); 2];
    let mut largest = [0; 2];
    for pocket in regions.flat_pockets() {
        let is_exact = 4 * pocket.total_distance <= u64::from(LIMIT) * pocket.area;
        if pocket.is_background && is_exact {
            continue;
        }
        let kind = usize::from(pocket.is_background);
        found[kind].pixels += pocket.area;
        if pocket.area > largest[kind] {
            largest[kind] = pocket.area;
            let ([top, bottom], [left, right]) = (pocket.rows, pocket.columns);
            found[kind].extent = Some(Extent { left, top, right, bottom });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use clearcut_frame::{FrameFormat, Matrix, Size, Subsampling};

    use super::*;

    #[test]
    fn the_extent_of_pockets_encloses_the_largest_one() {
        // A frame with two pockets that are kept, of 4 × 4 and 5 × 4 pixels.
        let mut distance = vec![255; 20 * 10];
        for y in 3..7 {
            distance[y * 20 + 2..y * 20 + 6].fill(0);
            distance[y * 20 + 10..y * 20 + 15].fill(0);
        }
        let regions = Regions::find(&distance, 20, LIMIT, false);
        let size = Size::new(20, 10).unwrap();
        let format = FrameFormat { size, subsampling: Subsampling::Half, has_alpha: true, matrix: Matrix::Bt709 };
        let mut frame = Frame::new(format);
        frame.planes_mut()[3].fill(255);
        let defects = Defects::measure(&frame, &distance, &regions);
        let extent = Some(Extent { left: 10, top: 3, right: 15, bottom: 7 });
        assert_eq!(defects.lookalikes, Defect { pixels: 36, extent });
        assert_eq!((defects.subject, defects.holes.pixels, defects.residue.pixels), (200, 0, 0));
    }
}
