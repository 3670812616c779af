//! The pixels of a still image as a frame, scaled, and as a PNG.

use std::io;

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
pub(super) fn scaled(size: Size, rgba: &[u8], to: Size) -> Result<Vec<u8>, Error> {
    let too_large = |_| Error::Tool(ImageError::TooMuchMemory.into());
    let image = ImageRef::new(size.width(), size.height(), rgba, PixelType::U8x4).map_err(|_| too_large(()))?;
    let mut scaled = Image::new(to.width(), to.height(), PixelType::U8x4);
    let algorithm = ResizeAlg::Convolution(FilterType::CatmullRom);
    let options = ResizeOptions::new().resize_alg(algorithm).use_alpha(!is_opaque(rgba));
    Resizer::new().resize(&image, &mut scaled, &options).map_err(|_| too_large(()))?;
    Ok(scaled.into_vec())
}

fn is_opaque(rgba: &[u8]) -> bool {
    rgba.as_chunks::<4>().0.iter().all(|pixel| pixel[3] == 255)
}

/// The pixels `rgba` as a frame without subsampling, with alpha if any pixel is translucent.
pub(super) fn frame_of(size: Size, rgba: &[u8]) -> Frame {
    let has_alpha = !is_opaque(rgba);
    let format = FrameFormat { size, subsampling: Subsampling::Full, has_alpha, matrix: Matrix::Bt709 };
    let mut frame = Frame::new(format);
    let [y, cb, cr, alpha] = frame.planes_mut();
    let level = |value: f32| (value + 0.5) as u8;
    for (index, &[r, g, b, a]) in rgba.as_chunks::<4>().0.iter().enumerate() {
        let [luma, blue, red] = format.matrix.ycc_from_rgb([r, g, b].map(f32::from));
        (y[index], cb[index], cr[index]) = (level(luma), level(blue), level(red));
        if has_alpha {
            alpha[index] = a;
        }
    }
    frame
}

/// Encodes pixels of `size` as a PNG with straight alpha.
///
/// # Errors
/// [`Error::Io`]; not expected, because the PNG is written to memory.
pub(super) fn encode_png(size: Size, rgba: &[u8]) -> Result<Vec<u8>, Error> {
    let failed = |error: png::EncodingError| Error::Io { doing: "writing a PNG", source: io::Error::other(error) };
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, size.width(), size.height());
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(rgba).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(bytes)
}
