//! Transparent margins around the frames of an output.

use clearcut_frame::{Frame, FrameFormat, Size};

/// `frame` in the middle of a transparent frame of the size `canvas`, which is at least as large. With
/// subsampled color, the margins at the left and the top are even.
pub(crate) fn with_margins(frame: Frame, canvas: Size) -> Frame {
    let size = frame.size();
    if size == canvas {
        return frame;
    }
    let from = frame.format();
    let to = FrameFormat { size: canvas, ..from.with_alpha() };
    let step = 1 << from.subsampling.shift();
    let middle = |outer: u32, inner: u32| (outer.saturating_sub(inner) / 2 / step * step) as usize;
    let (left, top) = (middle(canvas.width(), size.width()), middle(canvas.height(), size.height()));
    let widths = |format: FrameFormat| (format.size.width() as usize, format.chroma_size().0);
    let ((luma_from, chroma_from), (luma_to, chroma_to)) = (widths(from), widths(to));
    let mut padded = Frame::new(to);
    let [y, cb, cr, alpha] = padded.planes_mut();
    let shift = from.subsampling.shift();
    let chroma_at = (left >> shift, top >> shift);
    place(frame.y(), luma_from, y, luma_to, (left, top));
    place(frame.cb(), chroma_from, cb, chroma_to, chroma_at);
    place(frame.cr(), chroma_from, cr, chroma_to, chroma_at);
    match frame.alpha() {
        Some(matte) => place(matte, luma_from, alpha, luma_to, (left, top)),
        None => place(&vec![255; frame.y().len()], luma_from, alpha, luma_to, (left, top)),
    }
    padded
}

fn place(from: &[u8], from_width: usize, to: &mut [u8], to_width: usize, (left, top): (usize, usize)) {
    for (from, to) in from.chunks_exact(from_width).zip(to.chunks_exact_mut(to_width).skip(top)) {
        to[left..left + from_width].copy_from_slice(from);
    }
}

#[cfg(test)]
mod tests {
    use clearcut_frame::{Matrix, Subsampling};

    use super::*;

    #[test]
    fn the_frame_lies_in_the_middle_and_the_margins_are_clear() {
        let size = Size::new(5, 3).unwrap();
        for subsampling in [Subsampling::Half, Subsampling::Full] {
            let format = FrameFormat { size, subsampling, has_alpha: false, matrix: Matrix::Bt709 };
            let mut frame = Frame::new(format);
            frame.bytes_mut().fill(200);
            let canvas = Size::new(10, 9).unwrap();
            let padded = with_margins(frame.clone(), canvas);
            let solid = |alpha: &[u8]| alpha.iter().map(|alpha| usize::from(*alpha == 255)).sum::<usize>();
            assert_eq!((padded.size(), solid(padded.alpha().unwrap())), (canvas, 15));
            let (left, top) = (2, if subsampling == Subsampling::Half { 2 } else { 3 });
            for (index, (&luma, &alpha)) in padded.y().iter().zip(padded.alpha().unwrap()).enumerate() {
                let (row, column) = (index / 10, index % 10);
                let is_inside = (top..top + 3).contains(&row) && (left..left + 5).contains(&column);
                assert_eq!((luma, alpha), if is_inside { (200, 255) } else { (16, 0) }, "{row} {column}");
            }
            assert_eq!(padded.cb().iter().map(|chroma| usize::from(*chroma == 200)).sum::<usize>(), frame.cb().len());
            assert_eq!(with_margins(frame.clone(), size), frame);
        }
    }
}
