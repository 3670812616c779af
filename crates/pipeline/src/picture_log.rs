//! The log of the opaque pictures that were passed to the encoders, for the check of the outputs.

use clearcut_frame::Frame;

/// Number of cells across and down in which the brightness of a picture is remembered.
const GRID: usize = 4;

/// Summary of one picture: the mean brightness of each cell of a grid, and the mean of both chroma
/// planes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PictureSummary {
    luma: [u8; GRID * GRID],
    chroma: [u8; 2],
}

impl PictureSummary {
    /// The summary of planes of which a row of the luma has `stride` samples, and `width` × `height` of
    /// them are the picture.
    pub(crate) fn new([y, cb, cr]: [&[u8]; 3], (width, height): (usize, usize), stride: usize) -> Self {
        let mut cells = [(0_u64, 0_u64); GRID * GRID];
        for (row, levels) in y.chunks_exact(stride).take(height).enumerate() {
            let cells = &mut cells[row * GRID / height * GRID..][..GRID];
            for (index, (sum, count)) in cells.iter_mut().enumerate() {
                let columns = &levels[index * width / GRID..(index + 1) * width / GRID];
                *sum += columns.iter().copied().map(u64::from).sum::<u64>();
                *count += columns.len() as u64;
            }
        }
        Self { luma: cells.map(|(sum, count)| mean(sum, count)), chroma: [cb, cr].map(mean_of) }
    }

    /// The summary of `frame`.
    fn of(frame: &Frame) -> Self {
        let (width, height) = (frame.size().width() as usize, frame.size().height() as usize);
        Self::new([frame.y(), frame.cb(), frame.cr()], (width, height), width)
    }

    /// Largest difference of two summaries, in levels of 255.
    pub(crate) fn difference(&self, other: &Self) -> u8 {
        let levels = |summary: &Self| summary.luma.into_iter().chain(summary.chroma);
        levels(self).zip(levels(other)).map(|(one, other)| one.abs_diff(other)).max().unwrap_or(0)
    }
}

fn mean_of(plane: &[u8]) -> u8 {
    mean(plane.iter().copied().map(u64::from).sum(), plane.len() as u64)
}

/// The mean, rounded. A cell without pixels has none.
fn mean(sum: u64, count: u64) -> u8 {
    ((sum + count / 2) / count.max(1)) as u8
}

/// Log of the pictures passed to the encoders: one entry of 18 bytes per frame. Empty if the outputs
/// are transparent.
#[derive(Debug, Default)]
pub(crate) struct PictureLog(pub(crate) Vec<PictureSummary>);

impl PictureLog {
    pub(crate) fn push(&mut self, frame: &Frame) {
        self.0.push(PictureSummary::of(frame));
    }
}

#[cfg(test)]
mod tests {
    use clearcut_frame::{FrameFormat, Matrix, Size, Subsampling};

    use super::*;

    fn frame(draw: impl Fn(&mut [u8], &mut [u8])) -> Frame {
        let size = Size::new(61, 47).unwrap();
        let format = FrameFormat { size, subsampling: Subsampling::Half, has_alpha: false, matrix: Matrix::Bt709 };
        let mut frame = Frame::new(format);
        let [y, cb, ..] = frame.planes_mut();
        draw(y, cb);
        frame
    }

    #[test]
    fn a_subject_that_is_lost_or_moved_and_another_color_make_a_difference() {
        let box_at = |left: usize| {
            frame(move |y, _| y.chunks_exact_mut(61).skip(20).take(12).for_each(|row| row[left..left + 14].fill(235)))
        };
        let difference = |one: &Frame, other: &Frame| PictureSummary::of(one).difference(&PictureSummary::of(other));
        assert_eq!(difference(&box_at(10), &box_at(10)), 0);
        assert!(difference(&box_at(10), &frame(|_, _| ())) > 6);
        assert!(difference(&box_at(10), &box_at(40)) > 6);
        assert!(difference(&box_at(10), &frame(|_, cb| cb.fill(150))) > 6);
    }

    #[test]
    fn padding_is_not_part_of_a_picture() {
        let plain = frame(|y, _| y.iter_mut().enumerate().for_each(|(at, y)| *y = (at % 61) as u8 * 3));
        let padded: Vec<u8> = plain.y().chunks_exact(61).flat_map(|row| row.iter().copied().chain([255; 3])).collect();
        let summary = PictureSummary::new([&padded, plain.cb(), plain.cr()], (61, 47), 64);
        assert_eq!(summary, PictureSummary::of(&plain));
    }
}
