//! The pixels of a still image: scaled, and as a frame of the matte.

use clearcut_ffmpeg::ImageError;
use clearcut_frame::{Frame, FrameFormat, Matrix, Size, Subsampling};
use fast_image_resize::{
    FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer,
    images::{Image, ImageRef},
};

use crate::Error;

/// The pixels `rgba` of `size`, scaled down to at most `max_pixels`.
pub(super) fn within(size: Size, rgba: Vec<u8>, max_pixels: u64) -> Result<(Size, Vec<u8>), Error> {
    let to = size.within_pixels(max_pixels);
    Ok(if to == size { (size, rgba) } else { (to, scaled(size, &rgba, to)?) })
}

/// The pixels `rgba` of `size`, scaled to the size `to`. Colors are weighed by alpha.
pub(crate) fn scaled(size: Size, rgba: &[u8], to: Size) -> Result<Vec<u8>, Error> {
    let too_large = || Error::Tool(ImageError::TooMuchMemory.into());
    let image = ImageRef::new(size.width(), size.height(), rgba, PixelType::U8x4).map_err(|_| too_large())?;
    let mut scaled = Image::new(to.width(), to.height(), PixelType::U8x4);
    let algorithm = ResizeAlg::Convolution(FilterType::CatmullRom);
    let options = ResizeOptions::new().resize_alg(algorithm).use_alpha(!is_opaque(rgba));
    Resizer::new().resize(&image, &mut scaled, &options).map_err(|_| too_large())?;
    Ok(scaled.into_vec())
}

fn is_opaque(rgba: &[u8]) -> bool {
    rgba.as_chunks::<4>().0.iter().all(|pixel| pixel[3] == 255)
}

/// Fraction bits of the factors in [`frame_of`].
const FRACTION_BITS: u32 = 16;

/// The pixels `rgba` as a frame without subsampling in BT.709, with alpha if any pixel is translucent.
pub(super) fn frame_of(size: Size, rgba: &[u8]) -> Frame {
    frame_in(Matrix::Bt709, size, rgba)
}

/// [`frame_of`], with colors of `matrix`.
pub(crate) fn frame_in(matrix: Matrix, size: Size, rgba: &[u8]) -> Frame {
    let has_alpha = !is_opaque(rgba);
    let format = FrameFormat { size, subsampling: Subsampling::Full, has_alpha, matrix };
    let mut frame = Frame::new(format);
    let [y, cb, cr, alpha] = frame.planes_mut();
    // The change of luma and chroma for one step of red, green and blue; and their values for black.
    let black = format.matrix.ycc_from_rgb([0.0; 3]);
    let fixed = |value: f32| (value * (1 << FRACTION_BITS) as f32).round() as i32;
    let factors = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]].map(|unit| {
        let step = format.matrix.ycc_from_rgb(unit);
        [fixed(step[0] - black[0]), fixed(step[1] - black[1]), fixed(step[2] - black[2])]
    });
    let offsets = black.map(|level| fixed(level + 0.5));
    let planes = y.iter_mut().zip(cb).zip(cr);
    for (&[r, g, b, _], ((y, cb), cr)) in rgba.as_chunks::<4>().0.iter().zip(planes) {
        let [r, g, b] = [r, g, b].map(i32::from);
        let level = |plane: usize| {
            let sum = factors[0][plane] * r + factors[1][plane] * g + factors[2][plane] * b + offsets[plane];
            (sum >> FRACTION_BITS) as u8
        };
        (*y, *cb, *cr) = (level(0), level(1), level(2));
    }
    for (alpha, pixel) in alpha.iter_mut().zip(rgba.as_chunks::<4>().0) {
        *alpha = pixel[3];
    }
    frame
}

#[cfg(test)]
mod tests {
    use clearcut_frame::Rgb8;

    use super::*;

    #[test]
    fn pixels_become_the_levels_of_the_reference_conversion() {
        let colors = (0..=255_u8).step_by(15).flat_map(|r| (0..=255_u8).step_by(51).map(move |g| [r, g, 255 - r, 255]));
        let rgba: Vec<u8> = colors.flatten().collect();
        let size = Size::new(rgba.len() as u32 / 4, 1).unwrap();
        let frame = frame_of(size, &rgba);
        for (index, &[r, g, b, _]) in rgba.as_chunks::<4>().0.iter().enumerate() {
            let expected = Matrix::Bt709.ycc8(Rgb8::new(r, g, b));
            let found = [frame.y()[index], frame.cb()[index], frame.cr()[index]];
            let error = found.iter().zip([expected.y, expected.cb, expected.cr]).map(|(a, b)| a.abs_diff(b)).max();
            assert!(error <= Some(1), "{found:?} instead of {expected:?}");
        }
        assert!(frame.alpha().is_none());
    }
}
