//! Smaller frames: an output that cannot keep its limit of bytes otherwise.

use clearcut_frame::{Frame, FrameFormat, Size};
use fast_image_resize::{
    FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer,
    images::{Image, ImageRef},
};

use crate::Error;

/// `frame`, which has alpha, scaled to the size `to`. Colors are weighed by alpha.
///
/// # Errors
/// [`Error::Io`] if the frame cannot be held.
pub(crate) fn shrunk(frame: &Frame, to: Size) -> Result<Frame, Error> {
    let format = FrameFormat { size: to, ..frame.format() };
    let mut small = Frame::new(format);
    let [luma, cb, cr, alpha] = small.planes_mut();
    let matte = frame.alpha().unwrap_or_default();
    let pixels: Vec<u8> = frame.y().iter().zip(matte).flat_map(|(luma, alpha)| [*luma, 0, 0, *alpha]).collect();
    let scaled_luma = scaled(frame.size(), &pixels, to)?;
    for ((luma, alpha), pixel) in luma.iter_mut().zip(alpha).zip(scaled_luma.as_chunks::<4>().0) {
        (*luma, *alpha) = (if pixel[3] == 0 { 16 } else { pixel[0] }, pixel[3]);
    }
    let size_of_chroma = |format: FrameFormat| {
        let (width, height) = format.chroma_size();
        Size::new(width as u32, height as u32).unwrap_or(format.size)
    };
    let from = size_of_chroma(frame.format());
    let matte = chroma_matte(frame.format(), matte);
    let colors = frame.cb().iter().zip(frame.cr()).zip(matte);
    let pixels: Vec<u8> = colors.flat_map(|((cb, cr), alpha)| [*cb, *cr, 0, alpha]).collect();
    let scaled_chroma = scaled(from, &pixels, size_of_chroma(format))?;
    for ((cb, cr), pixel) in cb.iter_mut().zip(cr).zip(scaled_chroma.as_chunks::<4>().0) {
        (*cb, *cr) = if pixel[3] == 0 { (128, 128) } else { (pixel[0], pixel[1]) };
    }
    Ok(small)
}

/// The highest alpha of the pixels of each sample of chroma.
fn chroma_matte(format: FrameFormat, matte: &[u8]) -> Vec<u8> {
    let shift = format.subsampling.shift();
    let (width, (columns, rows)) = (format.size.width() as usize, format.chroma_size());
    let mut highest = vec![0; columns * rows];
    for (row, line) in matte.chunks_exact(width).enumerate() {
        for (column, alpha) in line.iter().enumerate() {
            let sample = &mut highest[(row >> shift) * columns + (column >> shift)];
            *sample = (*sample).max(*alpha);
        }
    }
    highest
}

fn scaled(from: Size, pixels: &[u8], to: Size) -> Result<Vec<u8>, Error> {
    let failed = |error: String| Error::Io { doing: "scaling a frame", source: std::io::Error::other(error) };
    let image = ImageRef::new(from.width(), from.height(), pixels, PixelType::U8x4);
    let image = image.map_err(|error| failed(error.to_string()))?;
    let mut scaled = Image::new(to.width(), to.height(), PixelType::U8x4);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::CatmullRom));
    Resizer::new().resize(&image, &mut scaled, &options).map_err(|error| failed(error.to_string()))?;
    Ok(scaled.into_vec())
}

#[cfg(test)]
mod tests {
    use clearcut_frame::{Matrix, Subsampling};

    use super::*;

    #[test]
    fn what_is_clear_does_not_color_the_edge() {
        for subsampling in [Subsampling::Half, Subsampling::Full] {
            let size = Size::new(40, 40).unwrap();
            let mut frame = Frame::new(FrameFormat { size, subsampling, has_alpha: true, matrix: Matrix::Bt709 });
            let [y, cb, _, alpha] = frame.planes_mut();
            let chroma_width = if subsampling == Subsampling::Half { 20 } else { 40 };
            y.chunks_exact_mut(40).for_each(|row| row[20..].fill(180));
            cb.chunks_exact_mut(chroma_width).for_each(|row| row[chroma_width / 2..].fill(60));
            alpha.chunks_exact_mut(40).for_each(|row| row[20..].fill(255));
            let small = shrunk(&frame, Size::new(30, 30).unwrap()).unwrap();
            let visible = small.y().iter().zip(small.alpha().unwrap()).filter(|(_, alpha)| **alpha > 20);
            assert!(visible.clone().count() >= 450);
            assert!(visible.clone().all(|(luma, _)| luma.abs_diff(180) <= 3), "{subsampling:?}");
        }
    }
}
