//! Scaling into a width and height, and encoding: the meaning of each fit is that of sharp.

use clearcut_frame::Size;
use clearcut_job::{ImageEncoding, ImageFailure, ImageFit, ImageFormat};
use jpeg_encoder::{ColorType, Encoder};

use crate::{
    pixels::Pixels,
    resize::{resize, stretch},
    webp,
};

/// Scales `pixels` and encodes the result.
pub(crate) fn encode(pixels: &Pixels, encoding: &ImageEncoding) -> Result<Vec<u8>, ImageFailure> {
    let size = encoding.output_size(pixels.size).ok_or(ImageFailure::TooManyPixels)?;
    let is_boxed = encoding.width.is_some() && encoding.height.is_some();
    let is_jpeg = encoding.format == ImageFormat::Jpeg;
    let scaled = match encoding.fit {
        ImageFit::Cover if is_boxed => covering(pixels, size)?,
        ImageFit::Contain if is_boxed => {
            let inside = ImageEncoding { fit: ImageFit::Inside, ..*encoding };
            let inner = stretch(pixels, inside.output_size(pixels.size).unwrap_or(size))?;
            let (inner, bars) = if is_jpeg { (over_white(inner), [0, 0, 0, 255]) } else { (inner, [0; 4]) };
            padded(&inner, size, bars)
        }
        _ => stretch(pixels, size)?,
    };
    let quality = encoding.quality.get();
    match encoding.format {
        ImageFormat::Jpeg => jpeg(&over_white(scaled), quality),
        ImageFormat::Png => png(&scaled),
        ImageFormat::Webp => webp::encode(&scaled, quality),
    }
}

/// The largest rectangle of the shape of `size` in the middle of the image, scaled to it.
fn covering(pixels: &Pixels, size: Size) -> Result<Pixels, ImageFailure> {
    let [from_width, from_height, width, height] =
        [pixels.size.width(), pixels.size.height(), size.width(), size.height()].map(f64::from);
    let scale = (width / from_width).max(height / from_height);
    let (across, down) = ((width / scale).min(from_width), (height / scale).min(from_height));
    resize(pixels, ((from_width - across) / 2.0, (from_height - down) / 2.0), (across, down), size)
}

/// `inner` in the middle of an image of `size` that is filled with the color `bars`.
fn padded(inner: &Pixels, size: Size, bars: [u8; 4]) -> Pixels {
    let mut rgba = bars.repeat(size.pixels() as usize);
    let row_len = 4 * inner.size.width() as usize;
    let left = 4 * (size.width().saturating_sub(inner.size.width()) / 2) as usize;
    let top = (size.height().saturating_sub(inner.size.height()) / 2) as usize;
    let rows = rgba.chunks_exact_mut(4 * size.width() as usize).skip(top);
    for (row, from) in rows.zip(inner.rgba.chunks_exact(row_len)) {
        row[left..left + row_len].copy_from_slice(from);
    }
    Pixels { size, rgba }
}

/// Lays translucent pixels over white.
fn over_white(mut pixels: Pixels) -> Pixels {
    for pixel in pixels.rgba.as_chunks_mut::<4>().0.iter_mut().filter(|pixel| pixel[3] < 255) {
        let alpha = u32::from(pixel[3]);
        for level in &mut pixel[..3] {
            *level = ((u32::from(*level) * alpha + 255 * (255 - alpha) + 127) / 255) as u8;
        }
        pixel[3] = 255;
    }
    pixels
}

/// A baseline JPEG with optimal tables. Chroma is halved below a quality of 90.
fn jpeg(pixels: &Pixels, quality: u8) -> Result<Vec<u8>, ImageFailure> {
    let too_long = |_| ImageFailure::TooManyPixels;
    let width = u16::try_from(pixels.size.width()).map_err(too_long)?;
    let height = u16::try_from(pixels.size.height()).map_err(too_long)?;
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, quality.max(1));
    encoder.set_optimized_huffman_tables(true);
    encoder.encode(&pixels.rgba, width, height, ColorType::Rgba).map_err(|_| ImageFailure::Io)?;
    Ok(bytes)
}

/// A PNG, without alpha if all pixels are opaque.
fn png(pixels: &Pixels) -> Result<Vec<u8>, ImageFailure> {
    let failed = |_| ImageFailure::Io;
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, pixels.size.width(), pixels.size.height());
    encoder.set_depth(png::BitDepth::Eight);
    let is_opaque = pixels.are_opaque();
    encoder.set_color(if is_opaque { png::ColorType::Rgb } else { png::ColorType::Rgba });
    let mut writer = encoder.write_header().map_err(failed)?;
    if is_opaque {
        let colors = pixels.rgba.as_chunks::<4>().0.iter().flat_map(|&[r, g, b, _]| [r, g, b]);
        writer.write_image_data(&colors.collect::<Vec<u8>>()).map_err(failed)?;
    } else {
        writer.write_image_data(&pixels.rgba).map_err(failed)?;
    }
    writer.finish().map_err(failed)?;
    Ok(bytes)
}
